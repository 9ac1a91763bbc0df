import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { serveJobTokens } from './support/job-tokens';
import { type Ran, ROOT, Runner } from './support/runner';

let stack: UpStack;
let runner: Runner;
beforeAll(async () => {
  stack = await UpStack.start();
  runner = new Runner();
}, 180_000);
afterAll(async () => {
  runner?.end();
  await stack?.stop();
});

async function approve(id: string, { said }: Ran): Promise<void> {
  const { json } = await stack.sign('person/mira', id, 'approve');
  expect({ ...json, said: said.err }).toMatchObject({ accepted: true });
}

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
  const script = path.join(runner.folder, 'step.sh');
  writeFileSync(script, step.run);
  return runner.start('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
    ...env,
    ...Object.fromEntries(given),
  });
}

const ASKED = { entitlement: 'warehouse:payments#write', for: '5m', reason: 'release "$(touch injected)"' };
const injected = () => readFileSync(path.join(runner.folder, 'injected'));

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
    return runner.start('sh', ['-c', job.script[0]], {
      ...job.variables,
      GITLAB_CI: 'true',
      TMPDIR: runner.folder,
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
