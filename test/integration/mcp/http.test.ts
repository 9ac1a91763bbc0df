import {
  Client,
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { HolderKey } from '../../../src/enforcement';
import { freePort } from '../../../src/stack/free-port';
import { eventuallyTrue } from '../../support/harness-wait';
import { selfSigned } from '../gateway/support/tokens';
import { UpStack } from '../gateway/support/up-stack';
import { ask, call, type Migrator, migration, type Said, startMigrator } from './support';

jest.setTimeout(120_000);

let stack: UpStack;
let migrator: Migrator;
let atlas: Client;
let deployer: Client;

beforeAll(async () => {
  const port = await freePort();
  const executors = [{ audience: 'service/migrator', url: `http://127.0.0.1:${port}` }];
  stack = await UpStack.start({ mcp: { executors } });
  migrator = await startMigrator(stack, port);
  atlas = await connect('atlas');
  deployer = await connect('release-bot');
}, 180_000);
afterAll(async () => {
  await Promise.all([atlas?.close(), deployer?.close()]);
  await migrator?.stop();
  await stack?.stop();
});

/**
 * The real client of the protocol. It knows an address and its own secret at its issuer, and finds out from the 401 whose
 * token it needs.
 */
async function connect(clientId: string): Promise<Client> {
  const client = new Client({ name: 'an-agent', version: '1.0.0' });
  const clientSecret = `secret-of-${clientId}`;
  const expectedIssuer = stack.issuer.url;
  const authProvider = new ClientCredentialsProvider({ clientId, clientSecret, expectedIssuer });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${stack.url}/mcp`), { authProvider }));
  return client;
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const HEADERS = { accept: 'application/json, text/event-stream' };
const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  stack.web.call('/mcp', { body, headers: { ...HEADERS, ...headers } });
const bearer = async (client: string) => ({ authorization: `Bearer ${await stack.issuer.token(client)}` });
const holds = async (): Promise<unknown> =>
  (await stack.query("SELECT pg_has_role('atlas_agent', 'reporting_read', 'MEMBER') AS held"))[0]?.['held'];
const READ = { entitlement: 'warehouse:reporting#read', minutes: 5, reason: 'weekly report' };

describe('FRI-2 the front door of an agent over streamable HTTP', () => {
  test('FRI-1 low risk is given at once to the identity that its issuer vouches for, and given back', async () => {
    const given = await ask(atlas, 'request_access', READ);
    expect(given).toMatchObject({ status: 'active', isError: false });
    expect(await holds()).toBe(true);
    const { request } = given;
    // Somebody else does not see it, and cannot end it.
    for (const tool of ['wait', 'give_back'])
      expect(await call(deployer, tool, { request })).toMatchObject({ isError: true, error: '404' });
    expect(await holds()).toBe(true);
    expect(await call(atlas, 'give_back', { request })).toMatchObject({ accepted: true });
    await eventuallyTrue('the role is taken back', async () => (await holds()) === false);
    const { json } = await stack.as('agent/atlas', `/v1/requests/${request}`);
    expect(json).toMatchObject({ request: { requester: 'agent/atlas', beneficiary: 'agent/atlas' } });
  });

  test('APB-1, APB-7 a hard stop says so, and says the safe way', async () => {
    const entitlement = 'network:egress-policy#disable';
    expect(await ask(atlas, 'request_access', { ...READ, entitlement })).toMatchObject({
      status: 'hard_stopped',
      safe_way: 'Ask network engineering for a rule for the exact destination and port.',
    });
  });

  test('two agents at once each see and get their own', async () => {
    const [one, other] = await Promise.all([
      call(atlas, 'propose_action', migration('one')),
      call(deployer, 'propose_action', migration('other')),
    ]);
    const seen = async (client: Client, asked: Said) =>
      (await call(client, 'wait', { request: asked['request'], seconds: 0 })).isError;
    expect(await Promise.all([seen(atlas, one), seen(deployer, other)])).toEqual([false, false]);
    expect(await Promise.all([seen(atlas, other), seen(deployer, one)])).toEqual([true, true]);
    const [mine, theirs] = await Promise.all([
      call(atlas, 'list_requestable'),
      call(deployer, 'list_requestable'),
    ]);
    expect(JSON.stringify(mine['requestable'])).toContain('warehouse:reporting#read');
    expect(JSON.stringify(theirs['requestable'])).not.toContain('warehouse:reporting#read');
  });

  test('AGE-1, AGE-2 what it proposes happens after sign-off, exactly, once, and no token is shown', async () => {
    const proposed = await ask(atlas, 'propose_action', migration('settlement'));
    expect(proposed).toMatchObject({
      status: 'awaiting_approval',
      awaiting: ['person/aiko', 'person/david'],
      page: expect.stringMatching(/^http:\/\/localhost:\d+\/requests\//),
    });
    const request = String(proposed['request']);
    expect(await call(atlas, 'execute', { request })).toMatchObject({ error: 'NOT_AUTHORISED' });
    const waiting = call(atlas, 'wait', { request, seconds: 40 });
    expect((await stack.sign('person/aiko', request, 'approve')).json).toMatchObject({ accepted: true });
    expect(await waiting).toMatchObject({ status: 'active' });
    expect(await call(deployer, 'execute', { request })).toMatchObject({ isError: true });
    const executed = await call(atlas, 'execute', { request });
    expect(executed).toMatchObject({ isError: false, outcome: 'succeeded' });
    expect(JSON.stringify(executed)).not.toMatch(/eyJ/);
    const [found] = await stack.query("SELECT to_regclass('payments.settlement') AS name");
    expect(found?.['name']).not.toBeNull();
    expect(await call(atlas, 'execute', { request })).toMatchObject({ isError: true });
  });
});

describe('AGE-2 an approval is not stranded by a token that went nowhere', () => {
  test('an executor that was away, or that nobody knows here, uses nothing up', async () => {
    const proposed = await ask(atlas, 'propose_action', migration('stranded'));
    const request = String(proposed['request']);
    await stack.sign('person/aiko', request, 'approve');
    expect(await call(atlas, 'wait', { request, seconds: 40 })).toMatchObject({ status: 'active' });
    await migrator.stop();
    expect(await call(atlas, 'execute', { request })).toMatchObject({ error: 'EXECUTOR_AWAY' });
    migrator = await startMigrator(stack, Number(new URL(migrator.endpoint.url).port));
    expect(await call(atlas, 'execute', { request })).toMatchObject({ outcome: 'succeeded' });

    const inspect = { tool: 'fleet', target: 'compute-fleet', arguments: { node: 'node-1' } };
    const entitlement = 'changes:compute-fleet#inspect';
    const unknown = await ask(deployer, 'propose_action', { ...migration('none'), ...inspect, entitlement });
    expect(unknown).toMatchObject({ status: 'active' });
    const id = String(unknown['request']);
    expect(await call(deployer, 'execute', { request: id })).toMatchObject({ error: 'NO_EXECUTOR' });
    const [row] = await stack.query('SELECT token_id FROM countersign.execution WHERE request_id = $1', [id]);
    expect(row).toEqual({ token_id: null });
  });
});

describe('TTA-7 whoever comes is recognised, and nobody can approve', () => {
  test('without a token nothing is answered but where to get one', async () => {
    const refused = await post(LIST);
    expect(refused.status).toBe(401);
    const [, address = ''] =
      /resource_metadata="([^"]+)"/.exec(String(refused.headers['www-authenticate'])) ?? [];
    const metadata = await (await fetch(address)).json();
    expect(metadata).toMatchObject({
      resource: `${stack.url}/mcp`,
      authorization_servers: [stack.issuer.url],
    });
    const forged = (await stack.issuer.token('atlas')).replace(/.{6}$/, 'AAAAAA');
    expect((await post(LIST, { authorization: `Bearer ${forged}` })).status).toBe(401);
  });

  test('a token that is bound to a key is nothing without it', async () => {
    const key = await HolderKey.make();
    const token = await stack.issuer.token('atlas', key);
    expect((await post(LIST, { authorization: `DPoP ${token}` })).status).toBe(401);
    const dpop = await key.proof('POST', `${stack.url}/mcp`, token);
    expect((await post(LIST, { authorization: `DPoP ${token}`, dpop })).status).toBe(200);
  });

  test('a person’s token does nothing here, and there is no tool that signs', async () => {
    const token = await selfSigned('person/mira', await stack.key('person/mira'), stack.url);
    const refused = await post(LIST, { authorization: `Bearer ${token}` });
    expect(refused.status).toBe(403);
    const { tools } = await atlas.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      ...['execute', 'give_back', 'list_requestable', 'propose_action', 'request_access', 'wait'],
    ]);
  });

  test('nobody asks in another’s name', async () => {
    const asked = {
      id: 'asked-for-another',
      kind: 'access',
      emergency: false,
      reason: 'x',
      durationMs: 60_000,
    };
    const entitlement = { connector: 'warehouse', resource: 'reporting', action: 'read' };
    const body = { ...asked, entitlement, requester: 'ci/payments', beneficiary: 'ci/payments' };
    const headers = await bearer('atlas');
    expect((await stack.web.call('/v1/asks', { body, headers })).status).toBe(400);
  });

  test('a page of another origin, a large body and other methods are turned away', async () => {
    const headers = await bearer('atlas');
    expect((await post(LIST, { ...headers, origin: 'https://evil.example' })).status).toBe(403);
    expect((await post(LIST, { ...headers, origin: stack.url })).status).toBe(200);
    expect((await post({ ...LIST, params: { pad: 'x'.repeat(70_000) } }, headers)).status).toBe(413);
    expect((await post([LIST], headers)).status).toBe(400);
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const answer = await stack.web.call('/mcp', { method, headers: { ...headers, ...HEADERS } });
      expect([method, answer.status, answer.headers['allow']]).toEqual([method, 405, 'POST']);
    }
  });

  test('values that no reader would read alike come back as the answer of the tool, not as an error of HTTP', async () => {
    const headers = { ...(await bearer('atlas')), ...HEADERS, 'content-type': 'application/json' };
    const send = async (args: string, method = 'tools/call', meta = '') => {
      const body = `{"jsonrpc":"2.0","id":"a","method":"${method}","params":{"name":"request_access","arguments":${args}${meta}}}`;
      const response = await fetch(`${stack.url}/mcp`, { method: 'POST', headers, body });
      return { status: response.status, json: await response.json() };
    };
    for (const args of [
      '{"reason":"\\ud800"}',
      '{"minutes":5,"minutes":50}',
      '{"minutes":12345678901234567890}',
    ])
      expect(await send(args)).toMatchObject({
        status: 200,
        json: { id: 'a', result: { isError: true, structuredContent: { error: 'INVALID' } } },
      });
    expect(await send('{"minutes":"many"}')).toMatchObject({
      status: 200,
      json: { result: { isError: true } },
    });
    const meta = ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';
    expect(await send('{"minutes":1e999}', 'tools/call', meta)).toMatchObject({
      json: { result: { isError: true, resultType: 'complete' } },
    });
    // What is no call of a tool has no tool to answer.
    expect(await send('{"a":1,"a":2}', 'tools/list')).toMatchObject({
      status: 400,
      json: { id: 'a', error: { code: -32700 } },
    });
  });

  test('a version that is not spoken is told with those that are, and a stream of changes is not opened', async () => {
    const headers = await bearer('atlas');
    const ask = (version: string, method: string) =>
      post(
        {
          ...{ jsonrpc: '2.0', id: 7, method },
          params: {
            _meta: {
              'io.modelcontextprotocol/protocolVersion': version,
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        },
        { ...headers, 'mcp-protocol-version': version, 'mcp-method': method },
      );
    expect(await ask('2031-01-01', 'tools/list')).toMatchObject({
      status: 400,
      json: { id: 7, error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2031-01-01' } } },
    });
    expect(await ask('2026-07-28', 'tools/list')).toMatchObject({ status: 200, json: { id: 7 } });
    expect(await ask('2026-07-28', 'subscriptions/listen')).toMatchObject({
      status: 404,
      json: { id: 7, error: { code: -32601 } },
    });
  });

  test('a task is another’s business for nobody, and only for clients that know tasks', async () => {
    const proposed = await ask(atlas, 'propose_action', migration('a_task'));
    const look = async (client: string, extensions: object) =>
      post(
        {
          ...{ jsonrpc: '2.0', id: 1, method: 'tasks/get' },
          params: {
            taskId: proposed['request'],
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': { extensions },
            },
          },
        },
        {
          ...(await bearer(client)),
          ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tasks/get' },
          'mcp-name': String(proposed['request']),
        },
      );
    const tasks = { 'io.modelcontextprotocol/tasks': {} };
    expect((await look('atlas', tasks)).json).toMatchObject({
      result: { status: 'working', resultType: 'complete' },
    });
    expect((await look('release-bot', tasks)).json).toMatchObject({ error: { code: -32602 } });
    expect((await look('atlas', {})).json).toMatchObject({ error: { code: -32021 } });
  });
});
