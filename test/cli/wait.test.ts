import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventuallyTrue } from '../support/harness-wait';
import { COMMAND, Runner } from './support/runner';

let stack: UpStack;
let runner: Runner;
let tokenFile: string;
beforeAll(async () => {
  stack = await UpStack.start();
  runner = new Runner();
  tokenFile = path.join(runner.folder, 'job.token');
  writeFileSync(tokenFile, await stack.issuer.token('payments-pipeline'), { mode: 0o600 });
}, 180_000);
afterAll(async () => {
  runner?.end();
  await stack?.stop();
});

let asked = 0;
/** A request of the pipeline, which people decide. */
async function ask(reason = 'a test'): Promise<string> {
  asked += 1;
  const id = `wait-for-it-${asked}`;
  const body = {
    id,
    kind: 'access',
    entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
    durationMs: 300_000,
    emergency: false,
    reason,
  };
  const headers = { authorization: `Bearer ${await stack.issuer.token('payments-pipeline')}` };
  expect((await stack.web.call('/v1/asks', { body, headers })).status).toBe(202);
  return id;
}

const waiting = (id: string, env: Record<string, string> = {}, ...more: readonly string[]) =>
  runner.start(
    process.execPath,
    [COMMAND, 'wait', id, '--gateway', stack.url, '--token-file', tokenFile, ...more],
    env,
  );

describe('FRI-2 a CI job waits until a request is decided', () => {
  test('approved: exit 0, with a summary in the format of a GitHub step', async () => {
    const id = await ask('needs `this` and <img src=x> ##[set-output name=x]y');
    const summary = path.join(runner.folder, 'summary.md');
    writeFileSync(summary, '');
    const one = waiting(id, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
    await eventuallyTrue('it waits', async () => one.said.err.includes('missing: person/mira'));
    expect((await stack.sign('person/mira', id, 'approve')).json).toMatchObject({ accepted: true });
    expect(await one.exit).toBe(0);
    expect(one.said.out).toContain(`request ${id}: approved; access until 20`);
    expect(`${one.said.out}${one.said.err}`).not.toContain('##[');
    const written = readFileSync(summary, 'utf8');
    expect(written).toContain('### Countersign: approved');
    expect(written).toContain(`[Open the request](<${stack.url}/requests/${id}>)`);
    expect(written).toContain('approved by person/mira');
  }, 60_000);

  test('denied: exit 3, folded in the log of GitLab, and as JSON for programs', async () => {
    const id = await ask();
    expect((await stack.sign('person/mira', id, 'deny')).json).toMatchObject({ accepted: true });
    const one = waiting(id, { GITLAB_CI: 'true' });
    expect(await one.exit).toBe(3);
    const folded = one.said.out.replaceAll('\u001b', 'ESC').replaceAll('\r', 'CR');
    expect(folded).toMatch(/^ESC\[0Ksection_start:\d+:countersign\[collapsed=true\]CRESC\[0Krequest/);
    expect(one.said.out).toContain('denied by person/mira');
    const json = waiting(id, {}, '--json');
    expect(await json.exit).toBe(3);
    expect(JSON.parse(json.said.out)).toMatchObject({
      id,
      outcome: 'not_approved',
      status: 'denied',
      exitCode: 3,
    });
  }, 60_000);

  test('undecided when the time is over: exit 5, and the request goes on', async () => {
    const id = await ask();
    const one = waiting(id, {}, '--timeout', '2s');
    expect(await one.exit).toBe(5);
    expect(one.said.out).toContain('undecided after 2s; the request goes on');
    expect((await stack.as('person/mira', `/v1/requests/${id}`)).json.status).toBe('awaiting_approval');
    expect((await stack.sign('person/mira', id, 'deny')).json).toMatchObject({ accepted: true });
  }, 60_000);

  test('unknown: exit 1 if there is no such request for the job, or no gateway answers', async () => {
    const none = waiting('there-is-none');
    expect(await none.exit).toBe(1);
    expect(none.said.err).toContain('NOT_FOUND');
    const nowhere = runner.start(process.execPath, [
      ...[COMMAND, 'wait', 'there-is-none', '--gateway', 'http://127.0.0.1:1'],
      ...['--token-file', tokenFile, '--timeout', '1s'],
    ]);
    expect(await nowhere.exit).toBe(1);
    expect(nowhere.said.out).toContain('the gateway does not answer after 1s');
  }, 60_000);

  test('wrong usage: exit 2, in one line', async () => {
    for (const args of [['x'], ['wait-for-it-1'], ['wait-for-it-1', '--gateway', 'nowhere']]) {
      const one = runner.start(process.execPath, [COMMAND, 'wait', ...args]);
      expect(await one.exit).toBe(2);
      expect(one.said.err.trim().split('\n')).toHaveLength(1);
    }
  }, 60_000);
});
