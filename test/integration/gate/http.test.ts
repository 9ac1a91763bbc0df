import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { readKeyFile } from '../../../src/signing/keys';
import { selfSigned } from '../gateway/support/tokens';
import { GateStack, PAYMENTS, paidIn } from './support';
import { TokenExchange } from './token-exchange';

jest.setTimeout(120_000);

let stack: GateStack;
const PAID = () => path.join(stack.root, 'paid.txt');
let exchange: TokenExchange;
beforeAll(async () => {
  exchange = await TokenExchange.make();
  stack = await GateStack.start(({ root, url }) => ({
    gate: {
      as: 'service/gate',
      wait: '1s',
      servers: {
        payments: { command: PAYMENTS, envFile: 'server.env' },
        // The catalog says nothing of it yet.
        ledger: { command: PAYMENTS, envFile: 'server.env', observe: true },
      },
    },
    issuers: [
      exchange.issuerFor(url, 'exchange.jwks', {
        atlas: 'agent/atlas',
        lena: 'person/lena',
        tomas: 'person/tomas',
      }),
    ],
    files: {
      'server.env': `PAYMENTS_FILE='${path.join(root, 'paid.txt')}'\n`,
      'exchange.jwks': exchange.jwks,
    },
  }));
}, 180_000);
afterAll(() => stack?.stop());

const tokenOf = async (principal: string) =>
  selfSigned(principal, await readKeyFile(stack.keyFile(principal)), stack.url);

// biome-ignore lint/suspicious/noExplicitAny: an answer of a server, of which a test asks what it needs
type Said = any;

async function post(
  body: unknown,
  headers: Record<string, string> = {},
  principal = 'agent/atlas',
  server = 'payments',
) {
  const answer = await fetch(`${stack.url}/gate/${server}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await tokenOf(principal)}`,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  const json: Said = text === '' ? undefined : JSON.parse(text);
  return { status: answer.status, json };
}

async function pay(amount: unknown, more: object = {}, headers: Record<string, string> = {}): Promise<Said> {
  const given = { to: 'ACME', amount, currency: 'EUR', ...more };
  const params = { name: 'send_payment', arguments: given };
  const { json } = await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers);
  const { result } = json;
  return { ...result, ...result?._meta?.['io.countersign/answer'], text: result?.content?.[0]?.text };
}

describe('GAT-1 an MCP server behind the gate over HTTP', () => {
  test('AGE-1 AGE-2 TTA-3 as for a client that knows nothing of it: small sums pass, a large one is paid once', async () => {
    const client = new Client({ name: 'any', version: '1' });
    const authorization = `Bearer ${await tokenOf('agent/atlas')}`;
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${stack.url}/gate/payments`), {
        requestInit: { headers: { authorization } },
      }),
    );
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['send_payment']);
    const small = await client.callTool({
      name: 'send_payment',
      arguments: { to: 'ACME', amount: 20, currency: 'EUR' },
    });
    expect(small.content).toEqual([{ type: 'text', text: 'paid 20 EUR to ACME' }]);
    await client.close();
    const asked = await pay(5_000);
    expect(asked).toMatchObject({ isError: true, code: 'APPROVAL_NEEDED' });
    const other = await pay(5_001);
    expect(other).toMatchObject({ code: 'APPROVAL_NEEDED' });
    expect(other.request).not.toBe(asked.request);
    await stack.sign('person/helen', asked.request);
    await stack.sign('person/tomas', asked.request);
    const all = await Promise.all(Array.from({ length: 8 }, () => pay(5_000)));
    expect(new Set(all.map(({ text }) => text))).toEqual(new Set(['paid 5000 EUR to ACME']));
    expect(await pay(5_000)).toMatchObject({ code: 'ALREADY_RUN', request: asked.request });
    expect(paidIn(PAID())).toEqual([
      'send_payment {"to":"ACME","amount":20,"currency":"EUR"}',
      'send_payment {"to":"ACME","amount":5000,"currency":"EUR"}',
    ]);
  });

  test('APB-7 what policy refuses, what is not mapped, and what is no call does not reach the server', async () => {
    const before = paidIn(PAID()).length;
    expect(await pay(10, { currency: 'USD' })).toMatchObject({ code: 'FORBIDDEN_BY_POLICY' });
    const say = (method: string, params: object) => post({ jsonrpc: '2.0', id: 2, method, params });
    expect((await say('tools/call', { name: 'close_account', arguments: {} })).json.result).toMatchObject({
      isError: true,
    });
    expect((await say('tools/execute', {})).json.error).toMatchObject({ code: -32_601 });
    expect((await say('tools/call', {})).json.error).toMatchObject({ code: -32_602 });
    const twice =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send_payment","arguments":{"to":"X","amount":1,"amount":9000,"currency":"EUR"}}}';
    expect(await post(twice)).toMatchObject({ status: 400 });
    expect(await post(`[${twice}]`)).toMatchObject({ status: 400 });
    expect(paidIn(PAID())).toHaveLength(before);
  });

  test('GAT-2 nobody calls without a token, as a person, from a page of another site, or as somebody else', async () => {
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    expect(await post(list, { authorization: 'Bearer x' })).toMatchObject({ status: 401 });
    expect(await post(list, {}, 'person/helen')).toMatchObject({ status: 403 });
    expect(await post(list, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    // An identity that policy permits nothing, the gate itself among them.
    const call = {
      ...list,
      method: 'tools/call',
      params: { name: 'send_payment', arguments: { to: 'X', amount: 1, currency: 'EUR' } },
    };
    expect((await post(call, {}, 'service/gate')).json.result).toMatchObject({ isError: true });
  });
});

describe('GAT-1 TTA-3 whom an agent acts for, by its token (RFC 8693)', () => {
  test('is in the request and shown; nobody of the chain can approve; for somebody else it is another request', async () => {
    const by = async (...chain: readonly string[]) => ({
      authorization: `Bearer ${await exchange.token(stack.url, chain)}`,
    });
    const asked = await pay(6_100, {}, await by('lena', 'atlas'));
    expect(asked).toMatchObject({ code: 'APPROVAL_NEEDED' });
    const seen = await stack.seen('person/helen', asked.request);
    expect(seen.request).toMatchObject({ requester: 'agent/atlas', onBehalfOf: ['person/lena'] });
    await stack.sign('person/helen', asked.request);
    await stack.sign('person/tomas', asked.request);
    // As itself it asks for another thing, and uses up no approval for what it does for Lena.
    const own = await pay(6_100);
    expect(own).toMatchObject({ code: 'APPROVAL_NEEDED' });
    expect(own.request).not.toBe(asked.request);
    expect(await pay(6_100, {}, await by('lena', 'atlas'))).toMatchObject({
      text: 'paid 6100 EUR to ACME',
    });
    // One of the two who could approve is in the chain, two links away.
    expect(await pay(6_200, {}, await by('tomas', 'lena', 'atlas'))).toMatchObject({
      code: 'NOBODY_CAN_APPROVE',
    });
    const record = readdirSync(path.join(stack.stateDir, 'gate'))
      .flatMap((name) =>
        readFileSync(path.join(stack.stateDir, 'gate', name), 'utf8')
          .trim()
          .split('\n'),
      )
      .map((line) => JSON.parse(line));
    expect(record).toContainEqual(
      expect.objectContaining({
        ...{ event: 'ran', server: 'payments', agent: 'agent/atlas', outcome: 'succeeded' },
        onBehalfOf: ['person/lena'],
      }),
    );
  });
});

describe('GAT-1 a server that is only observed', () => {
  test('offers all its tools, passes their calls, and each is on record', async () => {
    const say = async (method: string, params: object) =>
      (await post({ jsonrpc: '2.0', id: 1, method, params }, {}, 'agent/atlas', 'ledger')).json.result;
    const { tools } = await say('tools/list', {});
    expect(tools.map(({ name }: { name: string }) => name)).toEqual(['send_payment', 'close_account']);
    const called = await say('tools/call', { name: 'close_account', arguments: { why: 'test' } });
    expect(called.content).toEqual([{ type: 'text', text: 'closed' }]);
    const [file = ''] = readdirSync(path.join(stack.stateDir, 'gate'));
    expect(readFileSync(path.join(stack.stateDir, 'gate', file), 'utf8')).toMatch(
      /"event":"observed","call":"1","tool":"close_account".*"code":"TOOL_NOT_OFFERED","server":"ledger","agent":"agent\/atlas"/,
    );
  });
});
