import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { UpStack } from '../../integration/gateway/support/up-stack';
import { pythonTools } from '../support/python-tools';

/*
 * Microsoft's Agent Governance Toolkit (agent-os-kernel 3.2.2) with its AuthZEN backend (authzen-policy-backend 0.1.2), both as PyPI
 * has them. They have names of their own for agents and tools, which `names:` in gateway.yaml maps.
 */

jest.setTimeout(180_000);

const NAMES = {
  subjects: [
    { type: 'ai_agent', id: 'auth:agent:agentmesh:Deploy@Bot', principal: 'bot/deployer' },
    { type: 'ai_agent', prefix: 'auth:agent:agentmesh:', kind: 'agent' },
  ],
  resources: [
    {
      ...{ type: 'mcp_tool', id: 'payments.refund', connector: 'warehouse', resource: 'payments' },
      actions: { 'payments.refund': 'write' },
    },
  ],
};

let stack: UpStack;
beforeAll(async () => {
  stack = await UpStack.start({ names: NAMES });
}, 180_000);
afterAll(async () => stack?.stop());

const lineSchema = z.looseObject({ step: z.string() });
type Line = z.output<typeof lineSchema>;

async function follow(agent: string, heard: (line: Line) => Promise<void>): Promise<readonly Line[]> {
  const asked = {
    ...{ url: stack.url, agent, tool: 'payments.refund', other: 'payments.delete' },
    token: await stack.issuer.token('release-bot'),
  };
  const program = path.join(__dirname, '../python/toolkit_client.py');
  const child = spawn(path.join(pythonTools(), 'python'), [program, JSON.stringify(asked)]);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines: Line[] = [];
  for await (const text of createInterface(child.stdout)) {
    const line = lineSchema.parse(JSON.parse(text));
    lines.push(line);
    await heard(line);
  }
  if ((await ended) !== 0) throw new Error(errors.slice(-4_000));
  return lines;
}

describe('GAT-1, FRI-2 an agent toolkit that has names of its own', () => {
  it('is denied, asks, is approved and permitted, for that tool alone', async () => {
    const lines = await follow('Deploy@Bot', async ({ step, request }) => {
      if (step !== 'asked') return;
      expect((await stack.sign('person/mira', String(request), 'approve')).json).toMatchObject({
        accepted: true,
      });
    });
    expect(lines).toMatchObject([
      { step: 'denied', allowed: false },
      { step: 'asked', status: 'pending' },
      { step: 'decided', status: 'approved' },
      { step: 'with the approval', allowed: true },
      { step: 'with the approval of another tool', allowed: false },
    ]);
    const { json } = await stack.as('bot/deployer', `/v1/requests/${lines[1]?.['request']}`);
    expect(json).toMatchObject({
      request: { beneficiary: 'bot/deployer', entitlement: { connector: 'warehouse', resource: 'payments' } },
    });
  });

  it('is denied by a name that leads to somebody else', async () => {
    expect(await follow('atlas', async () => {})).toEqual([
      { step: 'denied', allowed: false },
      { step: 'not requestable', reason: 'subject_not_authorised' },
    ]);
  });
});
