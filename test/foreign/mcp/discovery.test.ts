import path from 'node:path';
import { z } from 'zod';
import { UpStack } from '../../integration/gateway/support/up-stack';
import { goTools } from '../support/go-tools';
import { runNpmProgram, runProgram } from '../support/npm-tools';
import { pythonTools } from '../support/python-tools';

/*
 * Clients of the Model Context Protocol, unmodified, that know an address and their own secret. Everything else they find out as
 * RFC 9728 and RFC 8414 say.
 */

jest.setTimeout(180_000);

const saidSchema = z.object({
  protocol: z.string(),
  tools: z.array(z.string()),
  answer: z.object({ next: z.string() }),
});
type Said = z.output<typeof saidSchema>;
interface Asked {
  readonly url: string;
  readonly id: string;
  readonly secret: string;
  readonly issuer: string;
  readonly tool: string;
}

const TOOLS = ['give_back', 'list_requestable', 'propose_action', 'request_access', 'wait'];

async function printed(command: string, args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runProgram(command, args, {});
  if (code !== 0) throw new Error(`${path.basename(command)} ended with ${code}: ${stderr.slice(-4_000)}`);
  return JSON.parse(stdout);
}

/** Each with the version of the protocol that it settles on. */
const CLIENTS: readonly [string, string, (asked: Asked) => Promise<unknown>][] = [
  ['npm, v1', '2025-11-25', (asked) => runNpmProgram('mcp-client.mjs', { ...asked, library: 'v1' })],
  ['npm, v2', '2026-07-28', (asked) => runNpmProgram('mcp-client.mjs', { ...asked, library: 'v2' })],
  ['Go', '2026-07-28', (asked) => printed(goTools().mcpClient, [JSON.stringify(asked)])],
  [
    'Python',
    '2026-07-28',
    (asked) =>
      printed(path.join(pythonTools(), 'python'), [
        path.join(__dirname, '../python/mcp_client.py'),
        JSON.stringify(asked),
      ]),
  ],
];

describe.each(['', '/gw'])('FRI-2 agents find a gateway at %j', (below) => {
  let stack: UpStack;
  beforeAll(async () => {
    stack = await UpStack.start({ mcp: {} }, below);
  }, 180_000);
  afterAll(async () => stack?.stop());

  it.each(CLIENTS)('%s', async (_name, protocol, ask) => {
    const said: Said = saidSchema.parse(
      await ask({
        ...{ url: `${stack.url}/mcp`, issuer: stack.issuer.url, tool: 'list_requestable' },
        ...{ id: 'atlas', secret: 'secret-of-atlas' },
      }),
    );
    expect(said.protocol).toBe(protocol);
    expect([...said.tools].sort()).toEqual(TOOLS);
  });

  it('TTA-1 a token for the MCP endpoint is one for nothing else', async () => {
    const token = await stack.issuer.token('atlas', undefined, `${stack.url}/mcp`);
    const authorization = `Bearer ${token}`;
    const ask = (where: string, body?: unknown) =>
      fetch(`${stack.url}${where}`, {
        headers: {
          authorization,
          accept: 'application/json, text/event-stream',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      });
    expect((await ask('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(200);
    const elsewhere = await ask('/v1/requestable');
    expect(elsewhere.status).toBe(401);
    expect(elsewhere.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
  });

  it('well-known documents are where RFC 8414 and RFC 9728 put them, and say what they are about', async () => {
    const { origin } = new URL(stack.url);
    const read = async (where: string) => (await fetch(`${origin}/.well-known/${where}`)).json();
    expect(await read(`oauth-protected-resource${below}`)).toMatchObject({ resource: stack.url });
    expect(await read(`oauth-protected-resource${below}/mcp`)).toMatchObject({
      resource: `${stack.url}/mcp`,
    });
    expect(await read(`authzen-configuration${below}`)).toMatchObject({ policy_decision_point: stack.url });
  });
});
