// A small MCP server to try the gate with. It pays by adding a line to a file: PAYMENTS_FILE.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const file = process.env.PAYMENTS_FILE ?? 'payments.txt';
const tools = [
  {
    name: 'send_payment',
    description: process.env.PAYMENTS_DESCRIPTION ?? 'Pay somebody. The money leaves at the end of the day.',
    inputSchema: {
      type: 'object',
      properties: { to: { type: 'string' }, amount: { type: 'number' }, currency: { type: 'string' } },
      required: ['to', 'amount', 'currency'],
    },
  },
  {
    name: 'close_account',
    description: 'Close the account of the company.',
    inputSchema: { type: 'object', properties: {} },
  },
];
const text = (said) => ({ content: [{ type: 'text', text: said }] });
const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'payments', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': ({ name, arguments: said }) => {
    appendFileSync(file, `${name} ${JSON.stringify(said)}\n`);
    return text(name === 'send_payment' ? `paid ${said.amount} ${said.currency} to ${said.to}` : 'closed');
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) continue;
  const known = Object.hasOwn(methods, method);
  const answer = known
    ? { result: methods[method](params) }
    : { error: { code: -32601, message: 'no such method' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
