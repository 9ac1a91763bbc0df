import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { byToken, HolderKey, Requester } from '../../enforcement';
import type { Caller } from '../../gateway/auth/caller';
import type { Gateway } from '../../gateway/gateway';
import type { GatewayApp, GatewayContext } from '../../gateway/http/app';
import { readJson } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import type { Extension } from '../../gateway/routes/extension';
import { createMcpServer } from '../server';
import { CallsUnderWay } from './calls-under-way';
import { addResourceMetadata, challengeOf } from './resource-metadata';

export const MCP_PATH = '/mcp';
/** What one identity may have going at a time; each may wait for the better part of a minute. */
const MOST_CALLS = 16;

/**
 * The front door for AI agents over streamable HTTP, as a route of the gateway. Each call shows anew whose it is, and is
 * answered by itself: nothing is kept between calls, so there is no session to take over, to fill up or to lose.
 */
export function mcpDoor(gateway: Gateway, version: string): Extension {
  const { mcp } = gateway.config;
  return (app, authenticated) => {
    if (mcp === undefined) return;
    const executors = new Map(mcp.executors.map(({ audience, url }) => [audience, url]));
    const origins = new Set([new URL(gateway.publicUrl).origin, ...mcp.allowedOrigins]);
    const underWay = new CallsUnderWay(MOST_CALLS);
    // Of this process, for all: a token goes from here to its executor and nowhere else, and who may have it is checked each
    // time. A key of each call's own would shut the next call out of a token that this one did not get rid of.
    const holderKey = HolderKey.make();
    addResourceMetadata(app, gateway);
    app.post(MCP_PATH, async (c) => {
      checkOrigin(c, origins);
      const caller = await authenticated(c).catch((error: unknown) => {
        throw challengeOf(error, gateway.publicUrl);
      });
      if (caller.principal.startsWith('person/'))
        throw new HttpProblem(403, 'agents and workloads act here as themselves; people have their own ways');
      gateway.limiter.take(caller.principal, 'reading', gateway.config.limits.reading);
      // Bounded, and as strict as every other body here.
      const message = await readJson(c);
      return underWay.during(caller.principal, async () => {
        const agent = await requesterFor(app, gateway, caller, tokenOf(c), await holderKey);
        const server = createMcpServer(agent, {
          principal: caller.principal,
          version,
          execution: { ...(executors.size > 0 && { executorOf: (audience) => executors.get(audience) }) },
        });
        const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
        try {
          await server.connect(transport);
          return await transport.handleRequest(c.req.raw, { parsedBody: message });
        } finally {
          await server.close();
        }
      });
    });
    // There is nothing to be told without being asked, and no session to end (transport specification).
    app.on(['GET', 'DELETE'], MCP_PATH, () => {
      throw new HttpProblem(405, 'this server answers calls, by POST', { headers: { Allow: 'POST' } });
    });
  };
}

/** A page in a browser says where it is from. One that is not ours has no business here, whatever it has found (DNS rebinding). */
function checkOrigin(c: GatewayContext, origins: ReadonlySet<string>): void {
  const origin = c.req.header('origin');
  if (origin !== undefined && !origins.has(origin))
    throw new HttpProblem(403, 'calls from pages of this origin are not taken');
}

const tokenOf = (c: GatewayContext): string => (c.req.header('authorization') ?? '').split(' ')[1] ?? '';

/**
 * Asks the gateway's own routes, in this process, as exactly the caller of this call: what they allow, limit and put on
 * record is the same for every way in.
 */
function requesterFor(
  app: GatewayApp,
  { publicUrl, authenticator }: Gateway,
  caller: Caller,
  token: string,
  holderKey: HolderKey,
): Promise<Requester> {
  const within: typeof fetch = async (input, init) => {
    const request = new Request(
      routeOf(input instanceof Request ? input.url : String(input), publicUrl),
      init,
    );
    authenticator.vouchFor(request, caller);
    return app.fetch(request);
  };
  return Requester.at({ gateway: publicUrl, voice: byToken(async () => token), holderKey, fetch: within });
}

/** The address in this process of what is outside under the path of the public address, which the proxy takes away. */
export function routeOf(address: string, publicUrl: string): string {
  const { pathname: path } = new URL(publicUrl);
  const url = new URL(address);
  if (path !== '/' && url.pathname.startsWith(`${path}/`)) url.pathname = url.pathname.slice(path.length);
  else if (path !== '/' && url.pathname.endsWith(path)) url.pathname = url.pathname.slice(0, -path.length);
  return url.href;
}
