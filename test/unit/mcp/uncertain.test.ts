import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { byToken, identifierOf, Requester } from '../../../src/enforcement';
import { createApp } from '../../../src/gateway/http/app';
import { createMcpServer } from '../../../src/mcp/server';
import { freePort } from '../../../src/stack/free-port';
import { NO_METRICS } from '../../../src/telemetry/catalogue';
import { sampleRequest } from '../../support/keyring';

/* A gateway and an executor that break off where they like: what an agent is told may not be more than is known. */

const ASKED = { entitlement: 'warehouse:reporting#read', minutes: 5, reason: 'weekly report' };
const AUDIENCE = 'service/migrator';

type Answerer = (path: string, init: RequestInit) => unknown;

const standing = (more: object = {}) => ({
  request: sampleRequest(),
  status: 'active',
  awaiting: [],
  audience: AUDIENCE,
  ...more,
});

/** The real tools, client and protocol; only what the gateway answers is made up. */
async function toolsOf(
  gateway: string,
  answer: Answerer,
  executorOf?: (audience: string) => string | undefined,
) {
  const seen: string[] = [];
  const send: typeof fetch = async (input, init = {}) => {
    const { pathname } = new URL(String(input));
    seen.push(pathname);
    return Response.json(answer(pathname, init));
  };
  const agent = await Requester.at({ gateway, credential: byToken(async () => 'token'), fetch: send });
  const server = createMcpServer(agent, {
    principal: 'agent/atlas',
    version: '1',
    era: 'legacy',
    execution: { ...(executorOf && { executorOf }) },
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'an-agent', version: '1' });
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  const call = async (name: string, given: Readonly<Record<string, unknown>>) =>
    (await client.callTool({ name, arguments: given })).structuredContent;
  return { seen, call, close: () => client.close() };
}

const timedOut = (): never => {
  throw new DOMException('The operation was aborted due to timeout', 'TimeoutError');
};

describe('AGE-5 a front door says no more than it knows', () => {
  test('a submission that nobody answered may have been handed in, and its id is told', async () => {
    let handedIn: unknown;
    const { call, close } = await toolsOf('https://gateway.example', (_path, { body }) => {
      handedIn = JSON.parse(String(body)).id;
      return timedOut();
    });
    const said = await call('request_access', ASKED);
    expect(said).toMatchObject({
      request: handedIn,
      status: 'unknown',
      next: expect.stringContaining('wait'),
    });
    expect(handedIn).toEqual(expect.any(String));
    await close();
  });

  test('one that was handed in is told with its id, though nobody can look at it', async () => {
    const { call, close } = await toolsOf('https://gateway.example', (path) =>
      path === '/v1/asks' ? {} : timedOut(),
    );
    expect(await call('request_access', ASKED)).toMatchObject({
      request: expect.any(String),
      status: 'submitted',
    });
    await close();
  });

  describe('an executor', () => {
    const tokens: Answerer = (path) => {
      if (path.startsWith('/.well-known/'))
        return {
          policy_decision_point: 'https://gateway.example/access-desk',
          access_evaluation_endpoint: 'https://gateway.example/access-desk/access/v1/evaluation',
        };
      if (path.endsWith('/v1/execution-tokens'))
        return { token: 'a.b.c', audience: AUDIENCE, expires_at: '2026-01-01T00:00:00Z' };
      return standing();
    };
    // Under a path, as behind a proxy that has other services too.
    const gateway = 'https://gateway.example/access-desk/';

    async function executing(answer: (request: IncomingMessage, response: ServerResponse) => void) {
      const server = createServer((request, response) =>
        request.resume().on('end', () => answer(request, response)),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const tools = await toolsOf(gateway, tokens, () => `http://127.0.0.1:${port}`);
      const said = await tools.call('execute', { request: 'request-0001' });
      await tools.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      return said;
    }

    test('that has the token and breaks off leaves it unknown', async () => {
      expect(await executing((request) => request.socket.destroy())).toMatchObject({ outcome: 'unknown' });
      expect(await executing((_request, response) => response.end('{"outcome":'))).toMatchObject({
        outcome: 'unknown',
      });
      const done = await executing((_request, response) => response.end('{"outcome":"succeeded"}'));
      expect(done).toMatchObject({ outcome: 'succeeded' });
    });

    test('that nobody reached has done nothing', async () => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const tools = await toolsOf(gateway, tokens, () => url);
      expect(await tools.call('execute', { request: 'request-0001' })).toMatchObject({
        error: 'EXECUTOR_AWAY',
      });
      await tools.close();
    });

    test('AGE-2 that nobody knows has no token made for it', async () => {
      const tools = await toolsOf(gateway, tokens, () => undefined);
      expect(await tools.call('execute', { request: 'request-0001' })).toMatchObject({
        error: 'NO_EXECUTOR',
      });
      expect(tools.seen).toEqual(['/access-desk/v1/requests/request-0001']);
      await tools.close();
    });
  });
});

describe('FRI-2 a gateway under a path of its host', () => {
  const under = 'https://host.example/countersign';
  test.each([
    // A proxy passes the path on as it is, or takes it off.
    [`${under}/v1/asks`, under, 200],
    ['https://host.example/v1/asks', under, 200],
    [`${under}x/v1/asks`, under, 404],
    [`${under}/countersign/v1/asks`, under, 404],
    ['https://host.example/v1/asks', 'https://host.example', 200],
    [`${under}/v1/asks`, 'https://host.example', 404],
    // A path that begins like ours can only be taken off by the proxy.
    ['https://host.example/v1/asks', 'https://host.example/v1', 200],
  ])('%s of %s is answered with %i', async (address, publicUrl, status) => {
    const app = createApp(SILENT_LOGGER, NO_METRICS, publicUrl);
    app.get('/v1/asks', (c) => c.text('here'));
    app.get('/asks', (c) => c.text('elsewhere'));
    expect((await app.fetch(new Request(address))).status).toBe(status);
  });

  test.each([
    ['https://host.example/', 'https://host.example'],
    [`${under}/`, under],
    [`${under}?a=b#c`, under],
  ])('%s is %s', (address, identifier) => {
    expect(identifierOf(address)).toBe(identifier);
  });
});
