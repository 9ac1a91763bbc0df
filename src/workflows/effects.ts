import {
  CancellationScope,
  condition,
  patched,
  proxyActivities,
  proxyLocalActivities,
  sleep,
} from '@temporalio/workflow';
import type { Activities, EndAccessResult, ProvisionResult } from '../activities/types';
import type { Command } from '../domain/command';
import type { Effect } from '../domain/effect';
import type { AskEnd } from '../domain/precedents';
import type { RequestState, Status } from '../domain/state';
import type { LocalLane } from './local-lane';
import { readEndAccessResult, readProvisionResult } from './results';

/** Reading and judging happen in the worker's own memory, so they are tried again at once and for ever. */
export const judging = proxyLocalActivities<Pick<Activities, 'assess' | 'checkStatements'>>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/** The act on a target is first tried in the same workflow task: that saves a round trip on the way to a grant. */
const actingAtOnce = proxyLocalActivities<Pick<Activities, 'provision' | 'endAccess'>>({
  startToCloseTimeout: '5s',
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
  #running: { readonly effect: Effect; readonly scope: CancellationScope; readonly task: Task } | undefined;
  #results: Command[] = [];

  constructor(private readonly lane: LocalLane) {}

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  /** Whether a new run may take over: what is under way is scheduled on the server, and doing it again does no harm. */
  get mayBeTakenOver(): boolean {
    return !this.lane.isTaken && (this.#running === undefined || this.#running.task.isDurable);
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
    const running = { effect, scope, task: new Task(this.lane) };
    this.#running = running;
    void scope
      .run(() => perform(effect, state, running.task))
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

async function perform(effect: Exclude<Effect, 'assess'>, state: RequestState, task: Task): Promise<Command> {
  switch (effect) {
    case 'provision':
      return provision(state, task);
    case 'end_access': {
      const told = await endAccess(state, state.ending ?? 'revoked', task);
      const about = told && hearsOfEnds() ? { ending: told.ending } : {};
      return { type: 'record_access_ended', atMs: Date.now(), ...about };
    }
    case 'bar': {
      const told = await endAccess(state, 'barred', task);
      const about = told && hearsOfEnds() ? { held: { lease: told.lease, endedAtMs: told.ending.atMs } } : {};
      return { type: 'record_barred', atMs: Date.now(), ...about };
    }
  }
}

/** Whether this run takes notice of ends that it did not order; runs that began before took none. */
const hearsOfEnds = (): boolean => patched('hears-of-ends');

async function provision({ submission, assessment, statements }: RequestState, task: Task): Promise<Command> {
  if (submission === undefined || assessment === undefined) throw new TypeError('nothing to provision');
  const evidence = { submission, assessment, statements };
  const { id } = submission.request;
  const result = await task.run(
    async () => heardBy(readProvisionResult(await actingAtOnce.provision(evidence), id)),
    async () => heardBy(readProvisionResult(await actingDurably.provision(evidence), id)),
  );
  const atMs = Date.now();
  if (result.outcome === 'refused')
    return { type: 'record_provisioning_refusal', atMs, refusal: result.refusal };
  const { lease, review } = result;
  const grant = { type: 'record_grant' as const, atMs, lease, ...(review && { review }) };
  return result.outcome === 'ended' ? { ...grant, end: result.ending.end } : grant;
}

/** Code before the change had no answer `ended`, and asked again. */
function heardBy(result: ProvisionResult | undefined): ProvisionResult | undefined {
  return result?.outcome === 'ended' && !hearsOfEnds() ? undefined : result;
}

async function endAccess(
  { submission, recognition, status }: RequestState,
  reason: 'expired' | 'revoked' | 'barred',
  task: Task,
): Promise<EndAccessResult | undefined> {
  // Who was never recognised has nothing on a target, and must not be able to write there.
  if (submission === undefined || recognition === undefined) return undefined;
  const { id, entitlement } = submission.request;
  const end = reason === 'barred' ? { end: endOf(status) } : {};
  const input = { connector: entitlement.connector, leaseId: id, reason, ...end };
  const read = (value: unknown) => ({ told: readEndAccessResult(value, id) });
  const { told } = await task.run(
    () => actingAtOnce.endAccess(input).then(read),
    () => actingDurably.endAccess(input).then(read),
    // What the durable act has just ended is ended already when the target is asked again, and no news.
    (heard, answer) => (answer.told === undefined && isPlain(heard.told, reason) ? answer : heard),
  );
  return told;
}

/** An end as a request orders it, by nobody else. */
const isPlain = (told: EndAccessResult | undefined, reason: string): boolean =>
  told?.ending.end === reason && told.ending.cause === undefined;

const endOf = (status: Status): AskEnd =>
  status === 'denied' || status === 'cancelled' || status === 'withdrawn' ? status : 'ended';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** One act on a target, tried until it is done. */
class Task {
  #isDurable = false;

  constructor(private readonly lane: LocalLane) {}

  get isDurable(): boolean {
    return this.#isDurable;
  }

  /**
   * Tries at once where the lane is free, then durably. An activity that the server retries for ever can still be
   * failed, cancelled or answered by whoever can write to the namespace: then it is scheduled again, and an answer
   * counts only when this worker has heard from the target itself how it stands. Only the scope of this act ends it.
   *
   * @param settle what counts of what was heard from the target and the answer before
   */
  async run<T>(
    atOnce: () => Promise<T | undefined>,
    durably: () => Promise<T | undefined>,
    settle: (heard: T, answer: T) => T = (heard) => heard,
  ): Promise<T> {
    if (!this.lane.isTaken) {
      const first = await attempt(() => this.lane.run(atOnce));
      if (first !== undefined) return first;
    }
    this.#isDurable = true;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const answer = await attempt(durably);
      if (answer !== undefined && !believesNobody()) return answer;
      const heard = answer === undefined ? undefined : await this.#hear(atOnce);
      if (answer !== undefined && heard !== undefined) return settle(heard, answer);
      await sleep(pauseMs, { summary: 'tries again' });
    }
  }

  /** What is done already is not done again: the target tells how it stands. */
  async #hear<T>(atOnce: () => Promise<T | undefined>): Promise<T | undefined> {
    while (this.lane.isTaken) await condition(() => !this.lane.isTaken);
    return attempt(() => this.lane.run(atOnce));
  }
}

/** Whether this run hears an act confirmed; runs that began before took the answer that the server had. */
const believesNobody = (): boolean => patched('believes-nobody');

/** Nothing where the act failed. A scope that is cancelled ends the attempts. */
async function attempt<T>(act: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    return undefined;
  }
}
