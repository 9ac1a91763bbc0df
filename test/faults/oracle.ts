import type { Delivered, LifeRecord } from './live';
import { type Attack, STAGES } from './plan';

/** Attacks that must not affect a request at all. */
const HARMLESS: readonly Attack[] = ['poison', 'flood', 'unknown-names', 'bad-updates', 'cancel'];
const STOPS: readonly string[] = ['deny', 'cancel', 'withdraw'];

/**
 * Says what the outcome of a life must be, by a second, far simpler set of rules. It knows who sent what in which order, and
 * does not ask the product.
 */
export interface Expectation {
  /** `must`: access has to be granted. `never`: it must not be. `may`: both are right. */
  readonly grant: 'must' | 'may' | 'never';
  /** When a stop was answered as accepted: nothing may be granted from then on. */
  readonly stoppedAtMs: number;
  /** True if an attacker terminated or reset the workflow, so that it can be in any state. */
  readonly isMeddledWith: boolean;
}

export function expectationOf({ plan, delivered, attacked, isStarted }: LifeRecord): Expectation {
  const isMeddledWith = attacked.some((one) => !HARMLESS.includes(one));
  const stops = delivered.filter(
    ({ saying, fate }) => STOPS.includes(saying.verb) && saying.via === 'update' && fate === 'accepted',
  );
  const stoppedAtMs = Math.min(Number.POSITIVE_INFINITY, ...stops.map((one) => one.settledAtMs));
  const stages = STAGES[plan.kind];
  if (stages === undefined || !isStarted) return { grant: 'never', stoppedAtMs, isMeddledWith };
  // A statement that came too late for one run can be sent again to the next, by anyone who saw it.
  const sound = delivered.filter(({ saying }) => saying.flaw === 'none');
  const saidYes = stages.every((people) => sound.some((one) => approves(one, people)));
  // A stop that was accepted before the last approval was sent is final.
  const saidAtMs = stages.map((people) => firstSentMs(sound.filter((one) => approves(one, people))));
  if (Number.isFinite(stoppedAtMs) && stoppedAtMs <= Math.max(0, ...saidAtMs))
    return { grant: 'never', stoppedAtMs, isMeddledWith };
  if (!saidYes && plan.course !== 'reroute') return { grant: 'never', stoppedAtMs, isMeddledWith };
  const isStopped = sound.some(({ saying }) => STOPS.includes(saying.verb));
  const isPlain = !isStopped && !isMeddledWith && plan.course !== 'reroute' && plan.course !== 'revoke';
  const decisive = sound.filter(({ saying }) => stages.some((people) => people.includes(saying.by)));
  const mustGrant = isPlain && decisive.every(({ fate }) => fate === 'accepted' || fate === 'left');
  return { grant: mustGrant ? 'must' : 'may', stoppedAtMs, isMeddledWith };
}

const firstSentMs = (said: readonly Delivered[]): number =>
  Math.min(Number.POSITIVE_INFINITY, ...said.map((one) => one.sentAtMs));

/** In a reroute David replaces Mira; only then may he decide a stage that is not his. */
function approves({ saying }: Delivered, people: readonly string[]): boolean {
  return saying.verb === 'approve' && people.includes(saying.by);
}

/** Who counts in a rerouted life: Tomas is never asked, so only David. */
export function reroutedApproval(delivered: readonly Delivered[]): boolean {
  const said = (by: string, verb: string) =>
    delivered.some(({ saying }) => saying.by === by && saying.verb === verb && saying.flaw === 'none');
  return (
    said('person/mira', 'approve') || (said('person/nadia', 'reroute') && said('person/david', 'approve'))
  );
}
