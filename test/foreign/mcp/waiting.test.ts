import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { UpStack } from '../../integration/gateway/support/up-stack';
import { migration } from '../../integration/mcp/support';
import { npmTools } from '../support/npm-tools';

/*
 * What an agent's own client makes of a request that waits for people: the Tasks client of the protocol's authors, and their client
 * with a user who can be shown an address. Both are as npm has them.
 */

jest.setTimeout(180_000);

let stack: UpStack;
beforeAll(async () => {
  stack = await UpStack.start({ mcp: {} });
}, 180_000);
afterAll(async () => stack?.stop());

const lineSchema = z.record(z.string(), z.unknown());
type Line = z.output<typeof lineSchema>;

/** Starts the program and calls `heard` with each thing that it learns. Returns all of them. */
async function follow(
  question: Readonly<Record<string, unknown>>,
  heard: (line: Line) => Promise<void> = async () => {},
): Promise<readonly Line[]> {
  const token = await stack.issuer.token('atlas', undefined, `${stack.url}/mcp`);
  const asked = JSON.stringify({ url: `${stack.url}/mcp`, token, ...question });
  const child = spawn(process.execPath, [path.join(npmTools(), 'mcp-waiting.mjs'), asked]);
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
  expect({ code: await ended, errors }).toEqual({ code: 0, errors: '' });
  return lines;
}

const statusOf = async (id: unknown) => (await stack.as('agent/atlas', `/v1/requests/${id}`)).json;

describe('FRI-2, GAT-1 a request that waits for people', () => {
  test('AGE-1 is a task, whose result is the decision', async () => {
    const lines = await follow({ how: 'task', proposal: migration('as_a_task') }, async ({ taskId }) => {
      if (taskId === undefined) return;
      expect(await statusOf(taskId)).toMatchObject({ status: 'awaiting_approval' });
      expect((await stack.sign('person/aiko', String(taskId), 'approve')).json).toMatchObject({
        accepted: true,
      });
    });
    expect(lines).toMatchObject([
      { execution: 'task', taskId: expect.any(String) },
      { outcome: 'completed', result: { structuredContent: { status: 'active' } } },
    ]);
  });

  test('TTA-1 is shown at its page, and opening that decides nothing', async () => {
    const lines = await follow({
      how: 'url',
      proposal: { ...migration('by_address'), reason: 'shown once' },
    });
    const [{ shown } = {}, { result } = {}] = lines;
    const { request } = z
      .looseObject({ structuredContent: z.looseObject({ request: z.string() }) })
      .parse(result).structuredContent;
    const page = `${stack.url.replace('127.0.0.1', 'localhost')}/requests/${request}`;
    expect(shown).toMatchObject({
      mode: 'url',
      url: page,
      message: expect.stringContaining('Opening it decides nothing'),
    });
    expect(result).toMatchObject({ structuredContent: { status: 'awaiting_approval', page } });
    // It was submitted once, although the client called twice.
    expect(await statusOf(request)).toMatchObject({ status: 'awaiting_approval', decisions: [] });
    const asked = await stack.query("SELECT request_id FROM countersign.ask WHERE requester = 'agent/atlas'");
    expect(asked).toEqual([{ request_id: expect.any(String) }, { request_id: request }]);
  });

  test('OVR-10 is withdrawn when its task is cancelled', async () => {
    const lines = await follow({ how: 'task', proposal: migration('never_mind'), cancels: true });
    expect(lines.slice(1)).toEqual([{ cancelled: true }, { outcome: 'cancelled' }]);
    expect(await statusOf(lines[0]?.['taskId'])).toMatchObject({ status: 'withdrawn' });
  });
});
