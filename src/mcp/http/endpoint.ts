import { HolderKey } from '../../enforcement';
import type { Gateway } from '../../gateway/gateway';
import { readJsonText, readObject } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import { MCP_PATH } from '../../gateway/resource-metadata';
import type { Extension } from '../../gateway/routes/index';
import { createMcpServer } from '../server';
import { CallsUnderWay } from './calls-under-way';
import { addResourceMetadata } from './resource-metadata';
import { answerUnreadable, serveMessage } from './serve';
import { checkOrigin, requesterWithin, tokenOf } from './within';

/** Calls of one identity at a time; each may wait for nearly a minute. */
const MOST_CALLS = 16;

/**
 * The MCP server over streamable HTTP, as a route of the gateway. Each call proves anew who makes it, and is
 * answered by itself. Nothing is kept between calls, so there is no session to hijack, to exhaust or to lose. `pagesAt` is
 * where the gateway serves its pages, if it does.
 */
export function mcpEndpoint(gateway: Gateway, version: string, pagesAt?: string): Extension {
  const { mcp } = gateway.config;
  return (app, authenticated) => {
    if (mcp === undefined) return;
    const executors = new Map(mcp.executors.map(({ audience, url }) => [audience, url]));
    const origins = new Set([new URL(gateway.publicUrl).origin, ...mcp.allowedOrigins]);
    const underWay = new CallsUnderWay(MOST_CALLS);
    // One key of this process for all calls: a token goes from here to its executor and nowhere else, and each call checks who
    // may have it. With a key for each call, the next call could not get a token that this one left unused.
    const holderKey = HolderKey.make();
    const challenged = addResourceMetadata(app, gateway, `${gateway.publicUrl}${MCP_PATH}`);
    app.post(MCP_PATH, async (c) => {
      checkOrigin(c, origins);
      const caller = await authenticated(c).catch((error: unknown) => {
        throw challenged(error);
      });
      if (caller.principal.startsWith('person/'))
        throw new HttpProblem(
          403,
          'only agents and workloads may call this; people use the command line or the approver pages',
        );
      gateway.limiter.take(caller.principal, 'reading', gateway.config.limits.reading);
      // Bounded and strict, like every other body.
      const text = await readJsonText(c);
      const message = readObject(text);
      if (typeof message === 'string') return answerUnreadable(text, message);
      return underWay.during(caller.principal, async () => {
        const agent = await requesterWithin(app, gateway, caller, tokenOf(c), await holderKey);
        return serveMessage(c.req.raw, message, ({ era }) =>
          createMcpServer(agent, {
            principal: caller.principal,
            ...{ version, era, pagesAt },
            execution: { ...(executors.size > 0 && { executorOf: (audience) => executors.get(audience) }) },
          }),
        );
      });
    });
    // The server sends nothing by itself and has no session to end, so GET and DELETE are answered with 405 (transport specification).
  };
}
