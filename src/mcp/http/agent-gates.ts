import type { Authority } from '../../domain/ports';
import type { PrincipalId } from '../../domain/principal';
import type { Requester } from '../../enforcement';
import { ApprovedCalls } from '../../gate/approved-calls';
import type { CallLog } from '../../gate/call-log';
import { ChangedTools } from '../../gate/changed-tools';
import type { KnownPrecedents } from '../../gate/known-precedents';
import type { SharedServer } from '../../gate/shared-server';
import { ToolGate } from '../../gate/tool-gate';
import type { Caller } from '../../gateway/auth/caller';
import type { Gateway } from '../../gateway/gateway';

/** Identities whose gates are kept. One that is made anew knows nothing less: what was approved and done is on record. */
const MOST_AGENTS = 1_000;

export interface AgentGatesOptions {
  /** The name of the server in the catalog. */
  readonly name: string;
  readonly server: Pick<SharedServer, 'ran' | 'definitionOf'>;
  readonly gateway: Pick<Gateway, 'bundles' | 'nowMs'>;
  /** The identity that carries out the calls, and its calls of the gateway. */
  readonly executorId: PrincipalId;
  readonly executor: Requester;
  readonly authority: () => Promise<Authority>;
  readonly precedents: Pick<KnownPrecedents, 'of' | 'learned'>;
  readonly isOnRecord: (requests: readonly string[]) => Promise<boolean>;
  readonly log: Pick<CallLog, 'append' | 'note'>;
  readonly waitMs: number;
  readonly observe: boolean;
  readonly pageOf: (request: string) => string;
}

/** What is kept of one agent: its gate, and as whom it was recognised last. */
interface Kept {
  agent: Requester;
  readonly gate: ToolGate;
}

/** A gate for each agent that calls one server, so that calls of one agent at the same time know of each other. */
export class AgentGates {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly options: AgentGatesOptions) {}

  /** Returns the gate of a caller. `agent` asks as exactly this caller. */
  of({ principal, onBehalfOf }: Pick<Caller, 'principal' | 'onBehalfOf'>, agent: Requester): ToolGate {
    const name = JSON.stringify([principal, onBehalfOf]);
    const kept = this.#kept.get(name) ?? this.#make(principal, onBehalfOf, agent);
    kept.agent = agent;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    const [longestUnused] = this.#kept.keys();
    if (this.#kept.size > MOST_AGENTS && longestUnused !== undefined) this.#kept.delete(longestUnused);
    return kept.gate;
  }

  #make(principal: PrincipalId, onBehalfOf: readonly PrincipalId[], agent: Requester): Kept {
    const { name, server, gateway, executor, executorId, precedents, waitMs, observe } = this.options;
    const { isOnRecord, authority, pageOf } = this.options;
    // All agents share the record, and each counts its own calls.
    const whose = { server: name, agent: principal, ...(onBehalfOf.length > 0 && { onBehalfOf }) };
    const log: AgentGatesOptions['log'] = {
      append: (record) => this.options.log.append({ ...record, ...whose }),
      note: (record) => this.options.log.note({ ...record, ...whose }),
    };
    const common = { log, executorId, nowMs: gateway.nowMs };
    const approved = new ApprovedCalls({
      ...{ ...common, executor, authority, pageOf },
      agent: {
        ask: (...given) => kept.agent.ask(...given),
        look: (...given) => kept.agent.look(...given),
        present: (...given) => kept.agent.present(...given),
      },
      stillAsApproved: (parameters) =>
        kept.gate.stillAsApproved(parameters, () => server.definitionOf(parameters.tool, true)),
      forward: (tool, given) => server.ran('tools/call', { name: tool, arguments: given }),
    });
    const gate = new ToolGate({
      ...{ ...common, server: name, agent: principal, onBehalfOf, approved, precedents, waitMs },
      bundles: gateway.bundles,
      isOnRecord,
      definitionOf: (tool) => server.definitionOf(tool),
      changes: new ChangedTools((changed) => executor.reportToolChange(changed)),
      observe,
    });
    const kept: Kept = { agent, gate };
    return kept;
  }
}
