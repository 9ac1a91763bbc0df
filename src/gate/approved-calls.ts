import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceSchema } from '../contracts/evidence';
import { digestOf, requestDigest } from '../domain/digest';
import type { Authority } from '../domain/ports';
import { proveAuthorised } from '../domain/prove';
import type { AccessRequest, ExecutionParameters } from '../domain/request';
import type { ExecutionOutcome } from '../domain/statement';
import { isPassingStatus, isPendingStatus } from '../domain/status';
import { GatewayError, type Requester, type RequestStanding } from '../enforcement';
import type { NotMade } from './answers';
import { attemptIds } from './attempts';
import { type CallLog, digestOfResult } from './call-log';
import { explainEnd, explainWaiting } from './standing-words';

/** What a server did with a call. */
export type Ran =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: { readonly code: number; readonly message: string } }
  /** It ended, or its connection did, before it answered. */
  | { readonly kind: 'gone' };

export type Settled = Ran | ({ readonly kind: 'not-made' } & NotMade);

export interface ApprovedCallsOptions {
  /** Asks as the agent. */
  readonly agent: Pick<Requester, 'ask' | 'look' | 'present'>;
  /** Uses tokens as the gate, which the catalog names as the audience of the actions. */
  readonly executor: Pick<Requester, 'redeem' | 'evidence' | 'reportOutcome'>;
  readonly executorId: string;
  /** Today's directory and policy, from the gate's own copy of the bundle. */
  readonly authority: () => Promise<Authority>;
  /** Checks at the last moment that the tool is still the one that was approved. Returns why not. */
  readonly stillAsApproved: (parameters: ExecutionParameters) => Promise<NotMade | undefined>;
  /** Makes a call on the server. */
  readonly forward: (tool: string, given: Readonly<Record<string, unknown>>) => Promise<Ran>;
  readonly log: Pick<CallLog, 'append' | 'note'>;
  readonly pageOf: (request: string) => string;
  readonly nowMs: () => number;
}

const LONGEST_PAUSE_MS = 1_000;
/** How often a gateway that answers 429 is asked, before the agent is told to call again. */
const MOST_LOOKS = 5;
/** How long a request may take until it is assessed. */
const ASSESSED_WITHIN_MS = 20_000;

/** The server refused the call before it did anything: it has no such method, or the parameters are not valid. */
const NOT_STARTED = [-32_601, -32_602];

/** Calls that people decide. Each is one request, and is made once, after they have approved exactly it. */
export class ApprovedCalls {
  readonly #running = new Map<string, Promise<Settled>>();

  constructor(private readonly options: ApprovedCallsOptions) {}

  /**
   * Proposes a call, waits for a moment, and makes it if it is approved. The same call finds the same request, so calling again is how
   * to wait on. While it is being made, the same call gets the same result.
   *
   * @param about what the gate's record says of the call, if it is made
   */
  settle(
    request: AccessRequest,
    waitMs: number,
    hint: string,
    about: Readonly<Record<string, unknown>>,
  ): Promise<Settled> {
    const running = this.#running.get(request.id);
    if (running !== undefined) return running;
    const attempt = this.#settle(request, waitMs, hint, about).finally(() =>
      this.#running.delete(request.id),
    );
    this.#running.set(request.id, attempt);
    return attempt;
  }

  /** Puts a request on record that nobody can approve. */
  async propose(request: AccessRequest): Promise<void> {
    await this.#ask(request).catch(() => undefined);
  }

  async #settle(
    proposed: AccessRequest,
    waitMs: number,
    hint: string,
    about: Readonly<Record<string, unknown>>,
  ): Promise<Settled> {
    let request = proposed;
    try {
      const [attempt, before] = await this.#attempt(proposed);
      request = attempt;
      const standing = await this.#decided(request, before, waitMs);
      const page = this.options.pageOf(request.id);
      if (standing === undefined || isPendingStatus(standing.status))
        return { kind: 'not-made', ...explainWaiting(request.id, page, standing) };
      const outcome = standing.execution?.outcome;
      const isUsed = outcome !== undefined && outcome !== 'redemption_refused';
      if (standing.status === 'active' && !isUsed)
        return await this.#make(request, { ...about, ...('request' in about && { request: request.id }) });
      return { kind: 'not-made', ...explainEnd(request.id, page, standing, hint) };
    } catch (error) {
      return this.#notMade(request, error);
    }
  }

  #notMade({ id }: AccessRequest, error: unknown): Settled {
    const isAnswer = error instanceof GatewayError;
    // Another gate, or this one before it was killed, has used the approval, and has not said what came of it.
    if (isAnswer && error.code === 'REPLAYED')
      return {
        kind: 'not-made',
        code: 'OUTCOME_UNKNOWN',
        text: 'Exactly this call was begun once already, and whether it was carried out is not known; it was not made again. Look at what it acts on first.',
        request: id,
      };
    const code = isAnswer
      ? (error.code ?? (error.status === 429 ? 'RATE_LIMITED' : 'REFUSED'))
      : 'UNREACHABLE';
    const why = isAnswer ? error.message : 'Countersign cannot be reached';
    const text = `The call was not made: ${why}. Call again later with the same arguments.`;
    return { kind: 'not-made', code, text, request: id };
  }

  async #ask({ id, entitlement, durationMs, reason, parameters, containment, rollback }: AccessRequest) {
    if (parameters === undefined || containment === undefined || rollback === undefined)
      throw new TypeError('an exact action has parameters, containment and rollback');
    const action = { parameters, containment, rollback };
    await this.options.agent.ask({ id, entitlement, minutes: durationMs / 60_000, reason, action });
  }

  /** Returns where the request stands: once it is decided, or waits for people for longer than `waitMs`. */
  async #decided(
    request: AccessRequest,
    before: RequestStanding | 'unknown',
    waitMs: number,
  ): Promise<RequestStanding | undefined> {
    const fromMs = performance.now();
    let standing = before;
    if (standing === 'unknown') {
      await this.#ask(request).catch((error: unknown) => {
        // Somebody else proposed the same call at the same moment.
        if (!(error instanceof GatewayError && error.status === 409)) throw error;
      });
      standing = await this.#look(request.id);
    }
    for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const seen = standing === 'unknown' ? undefined : standing;
      const patienceMs = seen === undefined || isPassingStatus(seen.status) ? ASSESSED_WITHIN_MS : waitMs;
      const isDecided = seen !== undefined && !isPendingStatus(seen.status);
      if (isDecided || performance.now() - fromMs + pauseMs > patienceMs) return seen;
      await sleep(pauseMs);
      standing = await this.#look(request.id);
    }
  }

  /**
   * Returns the request by which this call is asked now, and where it stands. One that was refused because too much was open asked nobody, and stays refused,
   * so after it the call is asked by the next request.
   */
  async #attempt(proposed: AccessRequest): Promise<readonly [AccessRequest, RequestStanding | 'unknown']> {
    let latest: readonly [AccessRequest, RequestStanding | 'unknown'] = [proposed, 'unknown'];
    for (const id of attemptIds(proposed.id)) {
      const standing = await this.#look(id);
      latest = [{ ...proposed, id }, standing];
      if (standing === 'unknown' || !isSpent(standing)) break;
    }
    return latest;
  }

  /** Looks again after a moment if this agent's many calls have just used up how often it may look. */
  async #look(id: string, looksLeft = MOST_LOOKS): Promise<RequestStanding | 'unknown'> {
    try {
      return await this.options.agent.look(id);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // 503: it was submitted, and no worker has read it yet.
      if ([404, 503].includes(error.status)) return 'unknown';
      if (error.status !== 429 || looksLeft === 1) throw error;
    }
    await sleep(LONGEST_PAUSE_MS);
    return this.#look(id, looksLeft - 1);
  }

  /** Proves the approval again, uses it up, and makes the call once, with the arguments of the approved request. */
  async #make(proposed: AccessRequest, about: Readonly<Record<string, unknown>>): Promise<Settled> {
    const { agent, executor, log, forward, stillAsApproved } = this.options;
    const { id } = proposed;
    const approved = await this.#proved(proposed);
    if ('code' in approved) return { kind: 'not-made', ...approved, request: id };
    const changed = await stillAsApproved(approved.parameters);
    if (changed !== undefined) return { kind: 'not-made', ...changed, request: id };
    try {
      await log.append({ event: 'running', ...about });
    } catch {
      return { kind: 'not-made', ...NOT_RECORDED, request: id };
    }
    await executor.redeem(await agent.present(id), approved.parameters);
    const ran = await forward(approved.parameters.tool, approved.parameters.arguments);
    const outcome = outcomeOf(ran);
    const result = ran.kind === 'result' ? digestOfResult(ran.result) : {};
    log.note({ event: 'ran', ...about, outcome, ...result });
    await this.#report(id, outcome);
    if (ran.kind !== 'gone') return ran;
    return {
      kind: 'not-made',
      code: 'OUTCOME_UNKNOWN',
      text: 'The server ended before it answered, so the call may have been carried out or not. Do not repeat it before you have looked at what it acts on.',
      request: id,
    };
  }

  async #proved(
    proposed: AccessRequest,
  ): Promise<(AccessRequest & { parameters: ExecutionParameters }) | NotMade> {
    const { executor, executorId, authority, nowMs } = this.options;
    const evidence = evidenceSchema.safeParse(await executor.evidence(proposed.id));
    if (!evidence.success) return refusedBy('NOT_AUTHORISED', 'the evidence of the approval is not whole');
    const { directory, policy } = await authority();
    const proof = await proveAuthorised(evidence.data, nowMs(), directory, policy);
    if (!proof.ok) return refusedBy(proof.refusal.code, proof.refusal.detail);
    const { request } = evidence.data.submission;
    const { parameters } = request;
    const { terms } = proof.value;
    const isThis =
      request.id === proposed.id &&
      request.requester === proposed.requester &&
      terms.requestDigest === requestDigest(request) &&
      actionOf(request) === actionOf(proposed);
    if (parameters === undefined || !isThis)
      return refusedBy('DIGEST_MISMATCH', 'the request of this id is about another call');
    if (terms.binding.grant['audience'] !== executorId)
      return refusedBy(
        'NOT_ELIGIBLE',
        `the catalog has it carried out by ${terms.binding.grant['audience']}`,
      );
    return { ...request, parameters };
  }

  async #report(request: string, outcome: ExecutionOutcome): Promise<void> {
    // The action has happened anyway, and the gate's own record has its outcome.
    await this.options.executor.reportOutcome(request, outcome).catch(() => undefined);
  }
}

export const NOT_RECORDED: NotMade = {
  code: 'NOT_RECORDED',
  text: 'The call was not made, because the gate cannot write it down. Tell the people who operate the gate.',
};

const isSpent = ({ status, policy }: RequestStanding): boolean =>
  status === 'refused' && policy?.reason_codes[0] === 'ASKED_TOO_OFTEN';

const actionOf = ({ entitlement, parameters, onBehalfOf }: AccessRequest): string =>
  digestOf({ entitlement, parameters, onBehalfOf });

const refusedBy = (code: string, why: string): NotMade => ({
  code,
  text: `The call was not made, although it was approved: ${why}.`,
});

/** A tool that says that it failed does not say what it did before. */
function outcomeOf(ran: Ran): ExecutionOutcome {
  if (ran.kind === 'gone') return 'unknown';
  if (ran.kind === 'error') return NOT_STARTED.includes(ran.error.code) ? 'failed' : 'unknown';
  const { result } = ran;
  const hasFailed =
    typeof result === 'object' && result !== null && 'isError' in result && result.isError === true;
  return hasFailed ? 'unknown' : 'succeeded';
}
