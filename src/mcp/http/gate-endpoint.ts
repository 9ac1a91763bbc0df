import type { Authority } from '../../domain/ports';
import type { AskEntry, Precedents } from '../../domain/precedents';
import { HolderKey } from '../../enforcement';
import type { CallLog } from '../../gate/call-log';
import { KnownPrecedents } from '../../gate/known-precedents';
import { readClientMessage } from '../../gate/message';
import { SharedServer } from '../../gate/shared-server';
import type { Gateway } from '../../gateway/gateway';
import { readJsonText } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import type { Extension } from '../../gateway/routes/index';
import { AgentGates } from './agent-gates';
import { CallsUnderWay } from './calls-under-way';
import { checkOrigin, executorWithin, requesterWithin, tokenOf } from './within';

/** Calls of one identity at a time; each may wait for people for a while. */
const MOST_CALLS = 64;

export interface GateEndpointOptions {
  readonly version: string;
  /** Environments of the servers with their credentials, by name. */
  readonly environments: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly log: Pick<CallLog, 'append' | 'note'>;
  readonly lookUp: (entry: AskEntry) => Promise<Precedents>;
  /** Returns true if one of these requests is on record, and was not refused when it was assessed. */
  readonly isOnRecord: (requests: readonly string[]) => Promise<boolean>;
  readonly authority: () => Promise<Authority>;
  /** Where the gateway serves its pages. */
  readonly pagesAt: string;
}

/** The routes of the gate, and the servers behind them. */
export interface GateEndpoint {
  readonly extension: Extension;
  /** Ends the servers. */
  stop(): void;
}

/**
 * MCP servers behind the gate, each at an address of its own, `/gate/NAME`, so that tools of the same name never meet. Each call
 * proves anew who makes it, and is answered by itself. The gateway is the gate: it carries out calls as the identity that
 * `gateway.yaml` names.
 */
export function gateEndpoint(gateway: Gateway, options: GateEndpointOptions): GateEndpoint {
  const { gate: config } = gateway.config;
  const { version, environments, log, lookUp, isOnRecord, authority, pagesAt } = options;
  const servers = Object.entries(config?.servers ?? {}).map(([name, { command, observe }]) => ({
    ...{ name, observe },
    server: new SharedServer({
      ...{ name, command, version, observe, env: environments.get(name) ?? {} },
      bundle: () => gateway.bundles.current(),
    }),
  }));
  const extension: Extension = (app, authenticated) => {
    if (config === undefined) return;
    const origins = new Set([new URL(gateway.publicUrl).origin, ...config.allowedOrigins]);
    const underWay = new CallsUnderWay(MOST_CALLS);
    const precedents = new KnownPrecedents(lookUp);
    const holderKey = HolderKey.make();
    const executor = executorWithin(app, gateway, config.as);
    for (const { name, observe, server } of servers) {
      const gates = executor.then(
        (executing) =>
          new AgentGates({
            ...{ name, server, observe, gateway, authority, precedents, isOnRecord, log },
            ...{ executor: executing, executorId: config.as, waitMs: config.wait },
            pageOf: (request) => `${pagesAt}/requests/${request}`,
          }),
      );
      app.post(`/gate/${name}`, async (c) => {
        checkOrigin(c, origins);
        const caller = await authenticated(c);
        if (caller.principal.startsWith('person/'))
          throw new HttpProblem(403, 'only agents and workloads may call this; people use the pages');
        gateway.limiter.take(caller.principal, 'evaluation', gateway.config.limits.evaluation);
        const read = readClientMessage(Buffer.from(await readJsonText(c)));
        if (!read.ok) return rpc(null, { error: { code: -32_600, message: read.why } }, 400);
        const { message } = read;
        return underWay.during(caller.principal, async () => {
          const agent = await requesterWithin(app, gateway, caller, tokenOf(c), await holderKey);
          const answer = await server.answer(message, (await gates).of(caller, agent));
          return answer === undefined
            ? new Response(null, { status: 202 })
            : rpc(message.id ?? null, answer, 200);
        });
      });
      // Nothing is sent by itself, and there is no session to end (transport specification).
      app.on(['GET', 'DELETE'], `/gate/${name}`, () => {
        throw new HttpProblem(405, 'this server only answers POST', { headers: { Allow: 'POST' } });
      });
    }
  };
  return {
    extension,
    stop: () => {
      for (const { server } of servers) server.stop();
    },
  };
}

const rpc = (id: string | number | null, answer: object, status: number): Response =>
  Response.json({ jsonrpc: '2.0', id, ...answer }, { status });
