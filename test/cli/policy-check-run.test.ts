import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { EXAMPLE_BUNDLE_DIR } from '../../src/project';
import { MINUTE } from '../support/domain/builders';
import { BEGIN, lifeOf } from '../support/friction/population';
import { FakeChecks } from '../support/github/fake-checks';
import { type Ran, ROOT, Runner } from './support/runner';

/* The step of deploy/github/preview/action.yml, as a runner runs it, on a bundle that a stranger proposes. */

const TOKEN = 'ghs_token_of_the_job';
const COMMIT = 'c0ffee0000000000000000000000000000000001';
const SECRET = 'what-only-this-machine-knows';

let github: FakeChecks;
let runner: Runner;
let bundle: string;
beforeEach(async () => {
  github = await FakeChecks.start('acme/policies', TOKEN);
  runner = new Runner();
  bundle = path.join(runner.folder, 'proposed', 'policies');
  cpSync(EXAMPLE_BUNDLE_DIR, bundle, { recursive: true });
  const run = path.join(runner.folder, 'archive', 'evidence', 'write-0001');
  mkdirSync(run, { recursive: true });
  const life = lifeOf({
    ...{ id: 'write-0001', atMs: BEGIN, ends: 'approved', decidesAfterMs: 10 * MINUTE },
    what: { connector: 'warehouse', resource: 'payments', action: 'write' },
    who: 'ci/payments',
    durationMs: 30 * MINUTE,
    path: { name: 'production-write', stages: { owner: ['person/mira', 'person/tomas'] } },
    policies: ['production-write'],
  });
  const steps = [{ events: life.map((event) => ({ event })) }];
  writeFileSync(path.join(run, 'run.json'), JSON.stringify({ format: 'countersign-evidence', steps }));
});
afterEach(async () => {
  runner.end();
  await github.close();
  expect(github.wrong).toEqual([]);
});

const actionSchema = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
  runs: z.object({
    steps: z.tuple([
      z.strictObject({ shell: z.string(), env: z.record(z.string(), z.string()), run: z.string() }),
    ]),
  }),
});

function runAction(): Ran {
  const text = readFileSync(path.join(ROOT, 'deploy/github/preview/action.yml'), 'utf8');
  const { inputs, runs } = actionSchema.parse(parse(text));
  const [step] = runs.steps;
  expect(step.run).not.toContain('${{');
  const given: Readonly<Record<string, string>> = {
    ...{ bundle: 'proposed/policies', archive: 'archive', commit: COMMIT, token: TOKEN },
  };
  const env = Object.entries(step.env).map(([name, expression]) => {
    const [, input = ''] = /^\$\{\{ inputs\.(\w+) \}\}$/.exec(expression) ?? [];
    return [name, given[input] ?? inputs[input]?.default ?? 'unknown'];
  });
  const script = path.join(runner.folder, 'step.sh');
  writeFileSync(script, step.run);
  return runner.start('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
    ...{ GITHUB_ACTIONS: 'true', GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'acme/policies' },
    ...{ GITHUB_WORKSPACE: runner.folder, ...Object.fromEntries(env) },
  });
}

async function ended(): Promise<{ readonly code: number | null; readonly said: string }> {
  const one = runAction();
  const code = await one.exit;
  const said = one.said.out + one.said.err;
  expect(said).not.toContain(TOKEN);
  return { code, said };
}

describe('FRI-2 a pull request that changes a bundle gets a check run with what the preview says', () => {
  test('says what would have been decided differently, and takes the place of its earlier one', async () => {
    expect(await ended()).toMatchObject({ code: 0 });
    const [first] = github.runs;
    expect(first).toMatchObject({
      head_sha: COMMIT,
      output: { title: expect.stringMatching(/of 1 recorded/) },
    });
    const paths = path.join(bundle, 'paths.yaml');
    writeFileSync(paths, readFileSync(paths, 'utf8').replaceAll('name: owner', 'name: keeper'));
    expect(await ended()).toMatchObject({ code: 0 });
    expect(github.runs).toHaveLength(1);
    expect(github.runs[0]).toMatchObject({
      conclusion: 'neutral',
      output: { summary: expect.stringMatching(/```text\nwrite-0001[\s\S]*would {2}approve; keeper/) },
    });
  });

  test('a bundle that cannot be used is said with its problems, in code that nothing in them ends', async () => {
    writeFileSync(
      path.join(bundle, 'paths.yaml'),
      '"```\\n# [approved](https://evil.example) @octocat": 1\n',
    );
    expect(await ended()).toMatchObject({ code: 1 });
    const [{ conclusion, output }] = github.runs as [(typeof github.runs)[0]];
    expect(conclusion).toBe('failure');
    expect(output.summary).toMatch(/\n```+text\npaths\.yaml:1: /);
    expect(output.summary).not.toMatch(/^# /m);
  });

  test('a link in the bundle is not followed, and what it leads to stands nowhere', async () => {
    const secret = path.join(runner.folder, 'secret');
    writeFileSync(secret, `${SECRET}: [`);
    rmSync(path.join(bundle, 'paths.yaml'));
    symlinkSync(secret, path.join(bundle, 'paths.yaml'));
    const { code, said } = await ended();
    expect(code).toBe(1);
    expect(github.runs).toMatchObject([{ conclusion: 'failure' }]);
    expect(JSON.stringify(github.runs) + said).not.toContain(SECRET);
    expect(said).toContain('not a plain file');
  });

  test('a check run that cannot be published fails the step, and says why', async () => {
    for (let index = 0; index < 9; index += 1) github.troubles.push({ status: 403 });
    const { code, said } = await ended();
    expect(code).toBe(1);
    expect(said).toContain('the check run could not be published: GitHub answered 403');
  });
});
