import { describeIssues } from '../contracts/problem';
import { newRequestSchema } from '../contracts/request';
import type { Assessment } from '../domain/assessment';
import { tryDigestOf } from '../domain/digest';
import type { AskEntry, Precedents } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest, ExecutionParameters } from '../domain/request';
import {
  assess,
  type BundleSource,
  type LoadedBundle,
  type ToolDefinition,
  type ToolMapping,
} from '../policy';
import { held, LEDGER_AWAY, malformed, type NotMade, notOffered, tooLong } from './answers';
import { type ApprovedCalls, NOT_RECORDED, type Settled } from './approved-calls';
import { attemptIds } from './attempts';
import type { CallLog } from './call-log';
import { CallRecorder } from './call-recorder';
import type { ChangedTools } from './changed-tools';
import { stateOfTool, type ToolState } from './definitions';
import type { KnownPrecedents } from './known-precedents';
import { Proposals } from './proposals';
import { wayOutOf } from './standing-words';
import { fillTemplate } from './template';

/** A call of a tool, as a client makes it. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** From `_meta`, for programs that mean the same call twice. */
  readonly nonce?: string;
}

/** What becomes of a call: it is passed on now, with these arguments, or it has been settled. */
export type CallDecision =
  | {
      readonly kind: 'pass';
      readonly arguments: ToolCall['arguments'];
      readonly call: string;
      /** The longest answer that may reach the client. */
      readonly mostBytes?: number;
    }
  | Settled;

export interface ToolGateOptions {
  /** The name of the server in the catalog. */
  readonly server: string;
  readonly agent: PrincipalId;
  readonly executorId: PrincipalId;
  readonly onBehalfOf: readonly PrincipalId[];
  readonly bundles: BundleSource<LoadedBundle>;
  /** What the gate knows of earlier requests. */
  readonly precedents: Pick<KnownPrecedents, 'of' | 'learned'>;
  readonly approved: Pick<ApprovedCalls, 'settle' | 'propose'>;
  /** Returns true if one of these requests is on record, and was not refused when it was assessed. */
  readonly isOnRecord: (requests: readonly string[]) => Promise<boolean>;
  readonly log: Pick<CallLog, 'append' | 'note'>;
  /** Returns the definition that the server last gave of a tool. */
  readonly definitionOf: (tool: string) => Promise<ToolDefinition | undefined>;
  /** Tells governance that a tool differs from its pin. */
  readonly changes: Pick<ChangedTools, 'tell'>;
  /** Passes on tools that the catalog does not map, and records what would have become of them. */
  readonly observe: boolean;
  /** How long a call waits for people before it is answered. */
  readonly waitMs: number;
  readonly nowMs: () => number;
}

/** An action at the moment of its evaluation lasts no time. */
const AN_INSTANT_MS = 1_000;

/** Decides each call of a tool: by policy at once, by people, or not at all. */
export class ToolGate {
  readonly #recorder: CallRecorder;
  readonly #proposals = new Proposals();

  constructor(private readonly options: ToolGateOptions) {
    this.#recorder = new CallRecorder(options.log);
  }

  async decide(call: ToolCall): Promise<CallDecision> {
    const { server, bundles, observe, definitionOf } = this.options;
    const bundle = await bundles.current();
    const mapping = bundle.context.catalog.tool(server, call.name);
    if (mapping === undefined)
      return observe ? this.#observed(call) : this.#refused(call, notOffered(call.name));
    const state = this.stateOf(bundle, call.name, await definitionOf(call.name));
    const { secrets } = mapping;
    if (!state.ok) return this.#refused(call, held(call.name, state.code, state.why), secrets);
    const composed = this.#compose(bundle, call, mapping, state.digest);
    if ('code' in composed) return this.#refused(call, composed, secrets);
    const { policy, context } = bundle;
    const request = newRequestSchema.safeParse(composed);
    if (!request.success)
      return this.#refused(call, malformed(describeIssues(request.error, 'call')), secrets);
    const atMs = request.data.submittedAtMs;
    const past = await this.#precedents(policy.entryOf(request.data, atMs));
    if (past === undefined) return this.#refused(call, LEDGER_AWAY);
    const assessment = this.#proposals.assessed(request.data, past, (known) =>
      assess(context, request.data, atMs, known),
    );
    const carryOut = () => this.#carryOut(call, request.data, assessment, mapping);
    return assessment.outcome === 'approve' ? this.#proposals.during(request.data, carryOut) : carryOut();
  }

  /** Returns whether a tool is the pinned one. Governance is told of one that differs. */
  stateOf(
    { toolPins }: Pick<LoadedBundle, 'toolPins'>,
    tool: string,
    given: ToolDefinition | undefined,
  ): ToolState {
    const { server, changes } = this.options;
    const state = stateOfTool(toolPins, server, tool, given);
    if (!state.ok && state.change !== undefined) changes.tell({ server, tool, ...state.change });
    return state;
  }

  /** Returns why an approved call is not made after all: the tool has changed since. */
  async stillAsApproved(
    { tool, toolVersion }: ExecutionParameters,
    definition: () => Promise<ToolDefinition | undefined>,
  ): Promise<NotMade | undefined> {
    const state = this.stateOf(await this.options.bundles.current(), tool, await definition());
    if (!state.ok) return held(tool, state.code, state.why);
    return state.digest === toolVersion
      ? undefined
      : held(tool, 'TOOL_CHANGED', 'it is not the version of it that was approved');
  }

  async #carryOut(
    call: ToolCall,
    request: AccessRequest,
    assessment: Assessment,
    mapping: ToolMapping,
  ): Promise<CallDecision> {
    const { approved, precedents, waitMs, executorId } = this.options;
    // The id is made of the arguments, so it would let a short secret be guessed.
    const named = mapping.secrets === undefined ? { request: request.id } : {};
    const decided = {
      ...named,
      outcome: assessment.outcome,
      reasonCodes: assessment.reasonCodes,
      policies: assessment.determiningPolicies,
      policyDigest: assessment.policyDigest,
      directoryDigest: assessment.directoryDigest,
      explanation: assessment.explanation,
    };
    const audience = assessment.binding?.grant['audience'];
    const byPolicy = assessment.outcome === 'permit' && assessment.confirmation === undefined;
    if (byPolicy && audience !== executorId)
      return this.#refused(call, {
        code: 'NOT_ELIGIBLE',
        text: `The call was not made: the catalog has it carried out by ${audience}, and this gate is ${executorId}.`,
      });
    const { secrets, mostBytes } = mapping;
    const isAskedBefore =
      assessment.reasonCodes[0] === 'ASKED_TOO_OFTEN' && (await this.#isOnRecord(request));
    const about = { ...decided, ...(isAskedBefore && { decidedBefore: true }) };
    const recorded = await this.#recorder.decided(call, 'decided', about, secrets);
    if (recorded === undefined) return { kind: 'not-made', ...NOT_RECORDED };
    if (byPolicy)
      return {
        kind: 'pass',
        arguments: call.arguments,
        call: recorded,
        ...(mostBytes !== undefined && { mostBytes }),
      };
    if (assessment.outcome === 'hard_stop') {
      await approved.propose(request);
      precedents.learned();
    }
    if (assessment.outcome === 'hard_stop' || (assessment.outcome === 'refuse' && !isAskedBefore)) {
      const [code = 'REFUSED'] = assessment.reasonCodes;
      const text = `The call was not made: ${assessment.explanation}. ${wayOutOf(code, assessment.safeWay)}`;
      return { kind: 'not-made', code, text };
    }
    const durationMs = isAskedBefore ? mapping.within : Math.min(mapping.within, assessment.maxDurationMs);
    const hint =
      mapping.nonce === undefined
        ? 'If it is meant again, something in its arguments has to say so.'
        : `If it is meant again, call with another value of ${mapping.nonce}.`;
    const run = { call: recorded, tool: call.name, ...named };
    const settled = await approved.settle({ ...request, durationMs }, waitMs, hint, run);
    // Whatever the client is told now counts for its next call.
    precedents.learned();
    return bounded(settled, mostBytes);
  }

  /** Makes the request that the call is. The same call always has the same id, which reveals nothing about the call. */
  #compose(
    { context }: LoadedBundle,
    call: ToolCall,
    mapping: ToolMapping,
    toolVersion: string,
  ): AccessRequest | NotMade {
    const { agent, executorId, onBehalfOf, server, nowMs } = this.options;
    const [connector = '', resource = ''] = mapping.resource.split(/:(.*)/s);
    const entitlement = { connector, resource, action: mapping.action };
    const entry = context.catalog.entry(entitlement);
    const texts = [
      mapping.target,
      mapping.reason ?? entry?.title ?? call.name,
      mapping.containment,
      mapping.rollback,
    ].map((text) => fillTemplate(text, call.arguments));
    const missing = texts.flatMap((one) => (one.ok ? [] : [one.missing]))[0];
    if (missing !== undefined)
      return {
        code: 'ARGUMENTS_NOT_AS_DECLARED',
        text: `The call was not made: the argument ${missing} is missing.`,
      };
    const [target = '', reason = '', containment = '', rollback = ''] = texts.map((one) =>
      one.ok ? one.text : '',
    );
    const parameters = { tool: call.name, toolVersion, target, arguments: call.arguments };
    const about = { agent, executor: executorId, server, entitlement, onBehalfOf, parameters };
    const digest = tryDigestOf({ ...about, nonce: call.nonce ?? null });
    if (!digest.ok) return malformed(digest.refusal.detail);
    return {
      id: `call_${digest.value.slice('sha-256:'.length)}`,
      kind: 'execution',
      requester: agent,
      beneficiary: agent,
      entitlement,
      parameters,
      durationMs: AN_INSTANT_MS,
      emergency: false,
      reason,
      onBehalfOf: [...onBehalfOf],
      containment,
      rollback,
      submittedAtMs: nowMs(),
    };
  }

  async #precedents(entry: AskEntry): Promise<Precedents | undefined> {
    try {
      return await this.options.precedents.of(entry);
    } catch {
      return undefined;
    }
  }

  /**
   * Returns true if exactly this call was proposed before. What becomes of it is decided by its own request, and not by how much
   * else has been asked since: an approved call is not held up by others that wait.
   */
  async #isOnRecord({ id }: AccessRequest): Promise<boolean> {
    return this.options.isOnRecord(attemptIds(id)).catch(() => false);
  }

  async #refused(call: ToolCall, why: NotMade, secrets?: readonly string[]): Promise<CallDecision> {
    const recorded = await this.#recorder.decided(
      call,
      'refused',
      { code: why.code, why: why.text },
      secrets,
    );
    return { kind: 'not-made', ...(recorded === undefined ? NOT_RECORDED : why) };
  }

  async #observed(call: ToolCall): Promise<CallDecision> {
    const recorded = await this.#recorder.decided(call, 'observed', { code: 'TOOL_NOT_OFFERED' });
    return recorded === undefined
      ? { kind: 'not-made', ...NOT_RECORDED }
      : { kind: 'pass', arguments: call.arguments, call: recorded };
  }

  /** Records the end of a call that was passed on. */
  ended(...end: Parameters<CallRecorder['ended']>): void {
    this.#recorder.ended(...end);
  }
}

/** Holds back a result of an approved call that is longer than the catalog lets through. The call was made all the same. */
function bounded(settled: Settled, mostBytes: number | undefined): Settled {
  if (settled.kind !== 'result' || mostBytes === undefined) return settled;
  const bytes = Buffer.byteLength(JSON.stringify(settled.result) ?? '');
  return bytes <= mostBytes ? settled : { kind: 'result', result: tooLong(bytes, mostBytes) };
}
