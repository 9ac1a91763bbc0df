import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { goTools } from '../support/go-tools';

const DEPLOY = path.resolve(__dirname, '../../../deploy/github');

let repository: string;
let workflow: string;
beforeAll(() => {
  repository = mkdtempSync(path.join(tmpdir(), 'countersign-actionlint-'));
  const action = path.join(repository, '.github/actions/countersign');
  workflow = path.join(repository, '.github/workflows/migrate.yml');
  // It takes a folder with `.git` for the root of a repository.
  for (const folder of [action, path.dirname(workflow), path.join(repository, '.git')])
    mkdirSync(folder, { recursive: true });
  cpSync(path.join(DEPLOY, 'action.yml'), path.join(action, 'action.yml'));
  cpSync(path.join(DEPLOY, 'workflow.example.yml'), workflow);
  const preview = path.join(repository, '.github/actions/countersign-preview');
  mkdirSync(preview);
  cpSync(path.join(DEPLOY, 'preview/action.yml'), path.join(preview, 'action.yml'));
  cpSync(
    path.join(DEPLOY, 'preview/workflow.example.yml'),
    path.join(path.dirname(workflow), 'policy-preview.yml'),
  );
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

function lint(): { readonly status: number | null; readonly out: string } {
  const { status, stdout } = spawnSync(goTools().actionlint, ['-no-color'], {
    cwd: repository,
    encoding: 'utf8',
  });
  return { status, out: stdout };
}

test('FRI-2 actionlint accepts the workflows with the actions, and names an input that the action does not have', () => {
  expect(lint()).toEqual({ status: 0, out: '' });
  writeFileSync(workflow, readFileSync(workflow, 'utf8').replace('entitlement:', 'entitelment:'));
  const { status, out } = lint();
  expect(status).toBe(1);
  expect(out).toContain('missing input "entitlement"');
  expect(out).toContain('input "entitelment" is not defined');
});
