import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { exampleKeyFile } from '../../../stack/example-bundle';
import type { Stack } from '../../../stack/up';
import type { Demo } from '../demo';

const AGENT = 'agent/atlas';
const GATE = 'service/gate';
const APPROVERS = ['person/david', 'person/aiko'] as const;
const AMOUNT = 4_800;

/** An agent's own tools stand behind the gate: small payments pass, a large one waits for two people and is made once. */
export async function agentTools({ stack, cast, script }: Demo): Promise<void> {
  script.scene(
    "9  An agent's own tools, an MCP server behind the gate (GAT-1, GAT-2, GAT-3, AGE-1, AGE-2, FRI-1)",
  );
  const place = placeIn(stack);
  const client = new Client({ name: 'demo-agent', version: '1' });
  try {
    await client.connect(gateTransport(stack, place));
    const { tools } = await client.listTools();
    const offered = tools.map(({ name }) => name).sort();
    script.check('tools that it is offered', 'list_payments, send_payment', offered.join(', '));
    script.check('it reads', 'none', (await call(client, 'list_payments', {})).text);
    script.check('it pays a small sum', 'paid 80 EUR to ACME', (await pay(client, 80)).text);
    const held = await pay(client, AMOUNT);
    script.check('it pays a large sum', 'APPROVAL_NEEDED', held.code);
    const again = await pay(client, AMOUNT);
    script.check('the same call again is the same request', held.request, again.request);
    const changed = await pay(client, AMOUNT + 1);
    const isOther = changed.code === 'APPROVAL_NEEDED' && changed.request !== held.request;
    script.check('with another amount it is', 'another request', isOther ? 'another request' : changed.text);
    const asked = await cast.adopt(held.request);
    for (const person of APPROVERS)
      script.check(`${person} approves`, 'accepted', await cast.say(person, 'approve', asked));
    script.check(
      'the call is made, with the approved amount',
      `paid ${AMOUNT} EUR to ACME`,
      (await pay(client, AMOUNT)).text,
    );
    script.check('it is called once more', 'ALREADY_RUN', (await pay(client, AMOUNT)).code);
    script.check(
      'what was really paid',
      `80 EUR to ACME, ${AMOUNT} EUR to ACME`,
      paidIn(place.payments).join(', '),
    );
    writeFileSync(place.turned, '');
    await call(client, 'list_payments', {});
    script.check(
      'the server describes its tool in other words',
      'TOOL_CHANGED',
      (await pay(client, 80)).code,
    );
    script.check('payments since', '0', String(paidIn(place.payments).length - 2));
  } finally {
    await client.close();
  }
}

interface Place {
  readonly payments: string;
  /** The server describes its tool in other words once there is this file. */
  readonly turned: string;
}

const placeIn = ({ stateDir }: Stack): Place => ({
  payments: path.join(stateDir, 'payments.txt'),
  turned: path.join(stateDir, 'payments-turned'),
});

/** Starts the gate in the server's place, as an agent's configuration does. */
function gateTransport({ stateDir, bundleDir, gatewayUrl = '' }: Stack, { payments, turned }: Place) {
  const server = path.join(__dirname, '..', 'payments-server-process.js');
  return new StdioClientTransport({
    command: process.execPath,
    args: [
      ...[
        path.resolve(process.argv[1] ?? ''),
        'gate',
        '--as',
        AGENT,
        '--key',
        exampleKeyFile(stateDir, AGENT),
      ],
      ...['--executor-as', GATE, '--executor-key', exampleKeyFile(stateDir, GATE), '--wait', '300ms'],
      ...['--gateway', gatewayUrl, '--bundle', bundleDir, '--log-dir', path.join(stateDir, 'gate')],
      ...['--', process.execPath, server, payments, turned],
    ],
    env: { ...definedIn(process.env), COUNTERSIGN_STATE_DIR: stateDir },
    stderr: 'ignore',
  });
}

const definedIn = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

const paidIn = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

const pay = (client: Client, amount: number) =>
  call(client, 'send_payment', { to: 'ACME', amount, currency: 'EUR' });

const answerSchema = z.object({ code: z.string().default(''), request: z.string().default('') });

/** Calls a tool. Returns what it said, and the code and request of the gate if the gate answered. */
async function call(client: Client, name: string, given: Readonly<Record<string, unknown>>) {
  const { content, _meta } = await client.callTool({ name, arguments: given });
  const [first] = content;
  const answer = answerSchema.parse(_meta?.['io.countersign/answer'] ?? {});
  return { ...answer, text: first?.type === 'text' ? first.text : '' };
}
