import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { Command } from '../domain/command';
import type { Effect } from '../domain/effect';
import type { AskEnd } from '../domain/precedents';
import type { RequestState, Status } from '../domain/state';

/** Reading and judging happen in the worker's own memory, so they are tried again at once and for ever. */
export const judging = proxyLocalActivities<Pick<Activities, 'assess' | 'checkStatements'>>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/** The act on a target is first tried in the same workflow task: that saves a round trip on the way to a grant. */
const actingAtOnce = proxyLocalActivities<Pick<Activities, 'provision' | 'endAccess'>>({
  startToCloseTimeout: '5s',
  cancellationType: 'TRY_CANCEL',
  retry: { maximumAttempts: 1 },
});

/** Where that fails, the server schedules it, visible to operators, and tries again until it is done. */
const actingDurably = proxyActivities<Pick<Activities, 'provision' | 'endAccess'>>({
  startToCloseTimeout: '30s',
  cancellationType: 'TRY_CANCEL',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Runs what the state calls for beside the workflow's main loop, one effect at a time. */
export class EffectRunner {
  #running: { readonly effect: Effect; readonly scope: CancellationScope } | undefined;
  #results: Command[] = [];

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  takeResults(): readonly Command[] {
    const results = this.#results;
    this.#results = [];
    return results;
  }

  /** Makes sure that exactly the wanted effect is under way. One that is no longer wanted is cancelled. */
  want(effect: Effect | undefined, state: RequestState): void {
    if (this.#running?.effect === effect) return;
    this.#running?.scope.cancel();
    this.#running = undefined;
    if (effect === undefined || effect === 'assess') return;
    const scope = new CancellationScope({ cancellable: true });
    const running = { effect, scope };
    this.#running = running;
    void scope
      .run(() => perform(effect, state))
      .then((result) => {
        if (this.#running !== running) return;
        this.#running = undefined;
        this.#results.push(result);
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }
}

async function perform(effect: Exclude<Effect, 'assess'>, state: RequestState): Promise<Command> {
  switch (effect) {
    case 'provision':
      return provision(state);
    case 'end_access':
      await endAccess(state, state.ending ?? 'revoked');
      return { type: 'record_access_ended', atMs: Date.now() };
    case 'bar':
      await endAccess(state, 'barred');
      return { type: 'record_barred', atMs: Date.now() };
  }
}

async function provision({ submission, assessment, statements }: RequestState): Promise<Command> {
  if (submission === undefined || assessment === undefined) throw new TypeError('nothing to provision');
  const evidence = { submission, assessment, statements };
  const result = await atOnceOrDurably(
    () => actingAtOnce.provision(evidence),
    () => actingDurably.provision(evidence),
  );
  const atMs = Date.now();
  if (result.outcome === 'granted') return { type: 'record_grant', atMs, lease: result.lease };
  return { type: 'record_provisioning_refusal', atMs, refusal: result.refusal };
}

async function endAccess(
  { submission, recognition, status }: RequestState,
  reason: 'expired' | 'revoked' | 'barred',
) {
  // Who was never recognised has nothing on a target, and must not be able to write there.
  if (submission === undefined || recognition === undefined) return;
  const { id, entitlement } = submission.request;
  const end = reason === 'barred' ? { end: endOf(status) } : {};
  const input = { connector: entitlement.connector, leaseId: id, reason, ...end };
  await atOnceOrDurably(
    () => actingAtOnce.endAccess(input),
    () => actingDurably.endAccess(input),
  );
}

const endOf = (status: Status): AskEnd =>
  status === 'denied' || status === 'cancelled' || status === 'withdrawn' ? status : 'ended';

async function atOnceOrDurably<T>(atOnce: () => Promise<T>, durably: () => Promise<T>): Promise<T> {
  try {
    return await atOnce();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return durably();
  }
}
