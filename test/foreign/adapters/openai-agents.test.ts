import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { GateStack } from '../../integration/gate/support';
import { npmTools } from '../support/npm-tools';

/* The OpenAI Agents SDK as npm has it, with a model that is a script. */

jest.setTimeout(300_000);

let stack: GateStack;
beforeAll(async () => {
  stack = await GateStack.start();
}, 180_000);
afterAll(() => stack?.stop());

test('GAT-1 AGE-1 AGE-2 FRI-2 an agent of the OpenAI Agents SDK pays small sums, and a large one once people have approved it', async () => {
  const keys = Object.fromEntries(
    ['agent/atlas', 'service/gate'].map((principal) => [principal, stack.keyFile(principal)]),
  );
  const dist = path.resolve(__dirname, '../../../dist/src');
  const about = JSON.stringify({ dist, url: stack.url, bundle: stack.bundle, keys });
  const child = spawn(process.execPath, [path.join(npmTools(), 'openai-agents.mjs'), about], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const { request, ...rest } = JSON.parse(line);
    said.push(rest);
    if (request === undefined) continue;
    expect((await stack.seen('person/helen', request)).request).toMatchObject({
      reason: 'The agent wants to pay 203 EUR to ACME',
    });
    await stack.sign('person/helen', request);
    await stack.sign('person/tomas', request);
  }
  expect(said).toEqual([
    { early: 'NotExecuted', interruptions: 1, paid: [22] },
    { said: 'done', paid: [22, 203] },
  ]);
});
