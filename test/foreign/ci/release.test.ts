import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { goTools } from '../support/go-tools';

const ROOT = path.resolve(__dirname, '../../..');
const TEXT = readFileSync(path.join(ROOT, '.github/workflows/release.yml'), 'utf8');
const step = z.looseObject({ uses: z.string().optional(), run: z.string().optional() });
const workflow = z
  .looseObject({
    permissions: z.record(z.string(), z.string()),
    jobs: z.record(
      z.string(),
      z.looseObject({
        permissions: z.record(z.string(), z.string()),
        environment: z.string().optional(),
        needs: z.union([z.string(), z.array(z.string())]).optional(),
        steps: z.array(step),
      }),
    ),
  })
  .parse(parse(TEXT));

let repository: string;
beforeAll(() => {
  repository = mkdtempSync(path.join(tmpdir(), 'countersign-release-'));
  // It takes a folder with `.git` for the root of a repository.
  for (const folder of ['.git', '.github/workflows'])
    mkdirSync(path.join(repository, folder), { recursive: true });
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

function lint(text: string): { readonly status: number | null; readonly out: string } {
  writeFileSync(path.join(repository, '.github/workflows/release.yml'), text);
  const { status, stdout } = spawnSync(goTools().actionlint, ['-no-color'], {
    cwd: repository,
    encoding: 'utf8',
  });
  return { status, out: stdout };
}

describe('SHP-1 the workflow that publishes a version', () => {
  test('actionlint accepts it, and names an output that no step has and a job that is not there', () => {
    expect(lint(TEXT)).toEqual({ status: 0, out: '' });
    const { status, out } = lint(
      TEXT.replace('steps.build.outputs.digest', 'steps.built.outputs.digest').replace(
        'needs: [npm, image]',
        'needs: [npm, picture]',
      ),
    );
    expect(status).toBe(1);
    expect(out).toContain('property "built" is not defined');
    expect(out).toContain('needs job "picture"');
  });

  test('each action is one commit, whatever becomes of its tags', () => {
    const used = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((one) => !/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/.test(one))).toEqual([]);
  });

  test('only jobs that publish can, in an environment that people guard, and there is no token to steal', () => {
    expect(workflow.permissions).toEqual({});
    const writers = Object.entries(workflow.jobs).filter(([, { permissions }]) =>
      Object.values(permissions).includes('write'),
    );
    expect(writers.map(([name]) => name)).toEqual(['npm', 'image', 'notes']);
    for (const name of ['npm', 'image']) expect(workflow.jobs[name]?.environment).toBe('release');
    // These hold the right to publish, so they run nothing of what is installed.
    for (const [, { steps }] of writers)
      for (const { run } of steps) expect(run ?? '').not.toMatch(/npm (ci|install|run)|npx|\.ci\/run/);
    expect(TEXT).not.toContain('secrets.');
  });

  test('what is published is what was checked, with provenance, signed, and with its SBOM', () => {
    const runOf = (job: string) => workflow.jobs[job]?.steps.map(({ run }) => run ?? '').join('\n') ?? '';
    expect(workflow.jobs['package']?.needs).toBe('checks');
    expect(runOf('package')).toContain('node scripts/check-package.mjs --out release');
    expect(runOf('npm')).toContain('npm publish ./release/countersign-*.tgz --provenance');
    expect(runOf('image')).toMatch(/cosign sign --yes "\$IMAGE"\ncosign attest --yes --type cyclonedx/);
    expect(TEXT).toMatch(
      /IMAGE: \S+ steps\.name\.outputs\.image \}\}@\S+ steps\.build\.outputs\.digest \}\}/,
    );
    // scripts/check-package.mjs shows that npm refuses to publish it so.
    const about = z
      .looseObject({ private: z.literal(true) })
      .safeParse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));
    expect(about.success).toBe(true);
  });
});
