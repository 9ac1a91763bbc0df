import type { Delivered, LifeRecord } from './live';
import { type Attack, STAGES } from './plan';

/** Attacks that a request must not even notice. */
const HARMLESS: readonly Attack[] = ['poison', 'flood', 'unknown-names', 'bad-updates', 'cancel'];
const STOPS: readonly string[] = ['deny', 'cancel', 'withdraw'];

/**
 * What must have become of a life, by rules written down here a second time, far simpler than the product's: who said
 * what in which order is known, and nothing of the product is asked.
 */
export interface Expectation {
  /** `must`: access has to be given. `never`: under no circumstances. `may`: both would be right. */
  readonly grant: 'must' | 'may' | 'never';
  /** A stop that was answered as accepted at this moment: nothing may be granted from then on. */
  readonly stoppedAtMs: number;
  /** The workflow may be gone, or anywhere: somebody ended or reset it. */
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
  // What came too late for one run can be said again to the next by whoever saw it.
  const sound = delivered.filter(({ saying }) => saying.flaw === 'none');
  const saidYes = stages.every((people) => sound.some((one) => approves(one, people)));
  // A stop that was accepted before the last approval was even sent has stopped it for good.
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

/** In a reroute David stands in for Mira; only there may he decide a stage that is not his. */
function approves({ saying }: Delivered, people: readonly string[]): boolean {
  return saying.verb === 'approve' && people.includes(saying.by);
}

/** Those who count in a rerouted life: Tomas is never asked, so it is David, or nobody. */
export function reroutedApproval(delivered: readonly Delivered[]): boolean {
  const said = (by: string, verb: string) =>
    delivered.some(({ saying }) => saying.by === by && saying.verb === verb && saying.flaw === 'none');
  return (
    said('person/mira', 'approve') || (said('person/nadia', 'reroute') && said('person/david', 'approve'))
  );
}
