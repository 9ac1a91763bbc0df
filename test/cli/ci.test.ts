import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { serveJobTokens } from './support/job-tokens';

const ROOT = path.resolve(__dirname, '../..');
const COMMAND = path.join(ROOT, 'bin/countersign.js');

let stack: UpStack;
let folder: string;
let tokenFile: string;
let bin: string;

beforeAll(async () => {
  stack = await UpStack.start();
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-ci-'));
  tokenFile = path.join(folder, 'job.token');
  writeFileSync(tokenFile, await stack.issuer.token('payments-pipeline'), { mode: 0o600 });
  bin = path.join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(COMMAND, path.join(bin, 'countersign'));
}, 180_000);
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a failed test would leave running. */
const started: ChildProcess[] = [];

interface Ran {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

function start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
    env: { PATH: `${bin}:${PATH}`, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env },
  });
  started.push(child);
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { child, said, exit: new Promise((resolve) => child.once('close', resolve)) };
}

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

async function approve(id: string, { said }: Ran): Promise<void> {
  const { json } = await stack.sign('person/mira', id, 'approve');
  expect({ ...json, said: said.err }).toMatchObject({ accepted: true });
}

const waiting = (id: string, env: Record<string, string> = {}, ...more: readonly string[]) =>
  start(
    process.execPath,
    [COMMAND, 'wait', id, '--gateway', stack.url, '--token-file', tokenFile, ...more],
    env,
  );

describe('FRI-2 a CI job waits until a request is decided', () => {
  test('approved: exit 0, with a summary in the format of a GitHub step', async () => {
    const id = await ask('needs `this` and <img src=x> ##[set-output name=x]y');
    const summary = path.join(folder, 'summary.md');
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
    const nowhere = start(process.execPath, [
      ...[COMMAND, 'wait', 'there-is-none', '--gateway', 'http://127.0.0.1:1'],
      ...['--token-file', tokenFile, '--timeout', '1s'],
    ]);
    expect(await nowhere.exit).toBe(1);
    expect(nowhere.said.out).toContain('the gateway does not answer after 1s');
  }, 60_000);

  test('wrong usage: exit 2, in one line', async () => {
    for (const args of [['x'], ['wait-for-it-1'], ['wait-for-it-1', '--gateway', 'nowhere']]) {
      const one = start(process.execPath, [COMMAND, 'wait', ...args]);
      expect(await one.exit).toBe(2);
      expect(one.said.err.trim().split('\n')).toHaveLength(1);
    }
  }, 60_000);
});

const actionSchema = z.object({
  inputs: z.record(
    z.string(),
    z.object({ required: z.boolean().optional(), default: z.string().optional() }),
  ),
  runs: z.object({
    using: z.literal('composite'),
    steps: z.array(
      z.strictObject({ shell: z.literal('bash'), env: z.record(z.string(), z.string()), run: z.string() }),
    ),
  }),
});

/** Runs the step of the action as a runner does: inputs into variables, the script into a file, and bash with the runner's own flags. */
function runAction(inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Ran {
  const action = actionSchema.parse(parse(readFileSync(path.join(ROOT, 'deploy/github/action.yml'), 'utf8')));
  const [step] = action.runs.steps;
  if (step === undefined) throw new Error('the action has no step');
  expect(step.run).not.toContain('${{');
  const inputOf = (name: string): string => inputs[name] ?? action.inputs[name]?.default ?? '';
  const given = Object.entries(step.env).map(([name, expression]) => {
    const [, input] = /^\$\{\{ inputs\.(\w+) \}\}$/.exec(expression) ?? [];
    return [name, inputOf(input ?? 'unknown')];
  });
  const script = path.join(folder, 'step.sh');
  writeFileSync(script, step.run);
  return start('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
    ...env,
    ...Object.fromEntries(given),
  });
}

const ASKED = { entitlement: 'warehouse:payments#write', for: '5m', reason: 'release "$(touch injected)"' };
const injected = () => readFileSync(path.join(folder, 'injected'));

describe('FRI-2 the action for GitHub and the template for GitLab', () => {
  const idOf = async ({ said, exit }: Ran): Promise<string> => {
    const asked = eventually('an id', async () => /asked for .*: ([\w-]+)$/m.exec(said.err)?.[1]);
    const ended = exit.then((code) => {
      throw new Error(`ended with ${code}: ${said.err}`);
    });
    return Promise.race([asked, ended]);
  };

  test('the step of the action runs the command with the access, and passes its exit code on', async () => {
    const job = await serveJobTokens(stack);
    try {
      const run = 'echo "as $GRANT_ACCOUNT"; false | true; echo never';
      const one = runAction({ ...ASKED, gateway: stack.url, run }, { ...job.env, GITHUB_ACTIONS: 'true' });
      const id = await idOf(one);
      await approve(id, one);
      expect(await one.exit).toBe(1);
      expect(one.said.out).toBe('as payments_ci\n');
      expect(one.said.err).toContain('no access is left');
      expect((await stack.as('person/mira', `/v1/requests/${id}`)).json.request).toMatchObject({
        requester: 'ci/payments',
        reason: ASKED.reason,
      });
      expect(injected).toThrow(/ENOENT/);
    } finally {
      job.close();
    }
  }, 60_000);

  test('without countersign on the runner the step says so', async () => {
    const one = runAction({ ...ASKED, gateway: stack.url, run: 'true' }, { PATH: '/usr/bin:/bin' });
    expect(await one.exit).toBe(1);
    expect(one.said.err).toContain('countersign is not installed on this runner');
  });

  const templateSchema = z.object({
    '.countersign-run': z.object({
      id_tokens: z.object({ ACCESS_ID_TOKEN: z.object({ aud: z.literal('$COUNTERSIGN_GATEWAY') }) }),
      variables: z.record(z.string(), z.string()),
      script: z.tuple([z.string()]),
    }),
  });

  /** Runs the script of the template as a GitLab runner's shell does, with the variables that GitLab sets. */
  async function runTemplate(command: string): Promise<Ran> {
    const text = readFileSync(path.join(ROOT, 'deploy/gitlab/countersign.yml'), 'utf8');
    const job = templateSchema.parse(parse(text))['.countersign-run'];
    return start('sh', ['-c', job.script[0]], {
      ...job.variables,
      GITLAB_CI: 'true',
      TMPDIR: folder,
      COUNTERSIGN_GATEWAY: stack.url,
      ACCESS_ID_TOKEN: await stack.issuer.token('payments-pipeline'),
      ACCESS_ENTITLEMENT: ASKED.entitlement,
      ACCESS_FOR: ASKED.for,
      ACCESS_REASON: ASKED.reason,
      ACCESS_RUN: command,
    });
  }

  test('the script of the template does the same, and the command gets no token', async () => {
    const one = await runTemplate('echo "as $GRANT_ACCOUNT"; env | grep -c "^[A-Z_]*ID_TOKEN=" || exit 7');
    const id = await idOf(one);
    await approve(id, one);
    expect(await one.exit).toBe(7);
    expect(one.said.out).toBe('as payments_ci\n0\n');
    expect(one.said.err).toContain('no access is left');
    expect(injected).toThrow(/ENOENT/);
  }, 60_000);

  // Last: whoever asks again after a withdrawn request needs two approvals.
  test('a cancelled job of the action withdraws its request', async () => {
    const job = await serveJobTokens(stack);
    try {
      const one = runAction({ ...ASKED, gateway: stack.url, run: 'true' }, job.env);
      const id = await idOf(one);
      await eventuallyTrue('it waits', async () => one.said.err.includes('missing: person/mira'));
      one.child.kill('SIGINT');
      expect(await one.exit).toBe(130);
      expect((await stack.as('person/mira', `/v1/requests/${id}`)).json.status).toBe('withdrawn');
    } finally {
      job.close();
    }
  }, 60_000);

  test('a cancelled job of the template withdraws its request', async () => {
    const one = await runTemplate('true');
    const id = await idOf(one);
    await eventuallyTrue('it waits', async () => one.said.err.includes('missing: person/mira'));
    one.child.kill('SIGTERM');
    expect(await one.exit).toBe(143);
    expect((await stack.as('person/mira', `/v1/requests/${id}`)).json.status).toBe('withdrawn');
  }, 60_000);
});
