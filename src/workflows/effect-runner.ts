import { CancellationScope } from '@temporalio/workflow';
import type { EndAccessResult, ProvisionResult } from '../activities/types';
import type { Command } from '../domain/command';
import type { Effect } from '../domain/effect';
import type { AskEnd } from '../domain/precedents';
import type { RequestState } from '../domain/state';
import type { Status } from '../domain/status';
import { actingAtOnce, actingDurably } from './activity-proxies';
import { DurableAct } from './durable-act';
import type { LocalActivityQueue } from './local-activity-queue';
import { isPatched } from './patches';
import { readEndAccessResult, readProvisionResult } from './results';

/** Runs the effect that the state calls for beside the workflow's main loop, one effect at a time. */
export class EffectRunner {
  #running:
    | { readonly effect: Effect; readonly scope: CancellationScope; readonly act: DurableAct }
    | undefined;
  #results: Command[] = [];

  constructor(private readonly queue: LocalActivityQueue) {}

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  /** Whether a new run may take over: the server has scheduled what is under way, and repeating it does no harm. */
  get mayBeTakenOver(): boolean {
    return !this.queue.isBusy && (this.#running === undefined || this.#running.act.isDurable);
  }

  takeResults(): readonly Command[] {
    const results = this.#results;
    this.#results = [];
    return results;
  }

  /** Makes sure that exactly this effect is under way. Cancels one that is no longer wanted. */
  want(effect: Effect | undefined, state: RequestState): void {
    if (this.#running?.effect === effect) return;
    this.#running?.scope.cancel();
    this.#running = undefined;
    if (effect === undefined || effect === 'assess') return;
    const scope = new CancellationScope({ cancellable: true });
    const running = { effect, scope, act: new DurableAct(this.queue) };
    this.#running = running;
    void scope
      .run(() => perform(effect, state, running.act))
      .then(
        (result) => {
          if (this.#running !== running) return;
          this.#running = undefined;
          this.#results.push(result);
        },
        (error: unknown) => {
          if (!scope.consideredCancelled) throw error;
        },
      );
  }
}

async function perform(
  effect: Exclude<Effect, 'assess'>,
  state: RequestState,
  act: DurableAct,
): Promise<Command> {
  switch (effect) {
    case 'provision':
      return provision(state, act);
    case 'end_access': {
      const reason = (state.phase === 'granted' && state.ending) || 'revoked';
      const before = await endAccess(state, reason, act);
      const ending = before && isPatched('recordsForeignEnds') ? { ending: before.ending } : {};
      return { type: 'record_access_ended', atMs: Date.now(), ...ending };
    }
    case 'bar': {
      const before = await endAccess(state, 'barred', act);
      const held =
        before && isPatched('recordsForeignEnds')
          ? { held: { lease: before.lease, endedAtMs: before.ending.atMs } }
          : {};
      return { type: 'record_barred', atMs: Date.now(), ...held };
    }
  }
}

async function provision(state: RequestState, act: DurableAct): Promise<Command> {
  if (state.phase !== 'assessed') throw new TypeError('nothing to provision');
  const { submission, assessment, statements } = state;
  const evidence = { submission, assessment, statements };
  const { id } = submission.request;
  const result = await act.run(
    async () => unlessUnknown(readProvisionResult(await actingAtOnce.provision(evidence), id)),
    async () => unlessUnknown(readProvisionResult(await actingDurably.provision(evidence), id)),
  );
  const atMs = Date.now();
  if (result.outcome === 'refused')
    return { type: 'record_provisioning_refusal', atMs, refusal: result.refusal };
  const { lease, review } = result;
  const grant = { type: 'record_grant' as const, atMs, lease, ...(review && { review }) };
  return result.outcome === 'ended' ? { ...grant, end: result.ending.end } : grant;
}

/** Returns undefined for the answer `ended` in a run that began before there was such an answer: it tried again. */
function unlessUnknown(result: ProvisionResult | undefined): ProvisionResult | undefined {
  return result?.outcome === 'ended' && !isPatched('recordsForeignEnds') ? undefined : result;
}

/** Returns what the target knew of an earlier end of the lease; undefined if this request's own order ended it. */
async function endAccess(
  state: RequestState,
  reason: 'expired' | 'revoked' | 'barred',
  act: DurableAct,
): Promise<EndAccessResult | undefined> {
  // A requester who was never recognised has nothing on a target, and must not be able to write there.
  if (state.phase === 'unread' || state.recognition === undefined) return undefined;
  const { id, entitlement } = state.submission.request;
  const end = reason === 'barred' ? { end: endOf(state.status) } : {};
  const input = { connector: entitlement.connector, leaseId: id, reason, ...end };
  // Wrapped, because `undefined` means here that there is nothing to tell, and to the act that it failed.
  const wrap = (value: unknown) => ({ before: readEndAccessResult(value, id) });
  const { before } = await act.run(
    () => actingAtOnce.endAccess(input).then(wrap),
    () => actingDurably.endAccess(input).then(wrap),
    // After the durable activity ended the lease, asking the target again reports it as ended. That is our own end.
    (confirmed, answer) =>
      answer.before === undefined && isOwnEnd(confirmed.before, reason) ? answer : confirmed,
  );
  return before;
}

/** An end as the request itself orders it, with no other cause. */
const isOwnEnd = (before: EndAccessResult | undefined, reason: string): boolean =>
  before?.ending.end === reason && before.ending.cause === undefined;

const endOf = (status: Status): AskEnd =>
  status === 'denied' || status === 'cancelled' || status === 'withdrawn' ? status : 'ended';
