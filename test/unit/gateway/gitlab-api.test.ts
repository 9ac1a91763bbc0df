import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GitlabApi } from '../../../src/gateway/gitlab/api';
import { gitlabSchema } from '../../../src/gateway/gitlab/config';
import { FakeGitlab } from '../../support/gitlab/fake-gitlab';

const COMMIT = 'a'.repeat(40);
const QUESTION = {
  ...{ projectId: 6, project: 'acme/payments', check: 2, mergeRequest: 4, branch: 'main', commit: COMMIT },
};

let gitlab: FakeGitlab;
let folder: string;
let api: GitlabApi;
beforeEach(async () => {
  gitlab = await FakeGitlab.start('glpat-x', 6, [2]);
  gitlab.mergeRequests.set(4, { projectId: 6, state: 'opened', sha: COMMIT, branch: 'main' });
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-gitlab-'));
  writeFileSync(path.join(folder, 'token'), 'glpat-x\n');
  api = new GitlabApi({ url: gitlab.url, tokenFile: path.join(folder, 'token') }, Date.now);
});
afterEach(async () => {
  await gitlab.close();
  rmSync(folder, { recursive: true, force: true });
  expect(gitlab.wrong).toEqual([]);
});

describe('FRI-2 what GitLab answers to an answer', () => {
  test('a status is taken for the newest commit alone', async () => {
    expect(await api.answer(QUESTION, 'approved')).toEqual({ ok: true, value: 'taken' });
    expect(gitlab.statuses).toEqual([{ mergeRequest: 4, check: 2, sha: COMMIT, status: 'passed' }]);
    gitlab.mergeRequests.set(4, { projectId: 6, state: 'opened', sha: 'b'.repeat(40), branch: 'main' });
    expect(await api.answer(QUESTION, 'rejected')).toMatchObject({ ok: false, kind: 'gone', status: 409 });
    expect(await api.answer({ ...QUESTION, check: 3 }, 'rejected')).toMatchObject({ kind: 'gone' });
  });

  test('limits and outages are for later, and never for longer than an hour', async () => {
    gitlab.trouble = { status: 429, headers: { 'retry-after': '90' } };
    expect(await api.answer(QUESTION, 'approved')).toMatchObject({ kind: 'later', pauseMs: 90_000 });
    gitlab.trouble = { status: 429, headers: { 'retry-after': '99999999' } };
    expect(await api.answer(QUESTION, 'approved')).toMatchObject({ kind: 'later', pauseMs: 3_600_000 });
    for (const status of [401, 403, 500, 503]) {
      gitlab.trouble = { status };
      expect(await api.standing(QUESTION)).toMatchObject({ ok: false, kind: 'later', status });
    }
    const elsewhere = await FakeGitlab.start('glpat-x', 6, [2]);
    gitlab.trouble = { status: 302, headers: { location: `${elsewhere.url}/api/v4/projects/6` } };
    expect(await api.standing(QUESTION)).toMatchObject({ ok: false, kind: 'later' });
    expect(elsewhere.calls).toEqual([]);
    await elsewhere.close();
    rmSync(path.join(folder, 'token'));
    expect(await api.standing(QUESTION)).toMatchObject({ why: 'the token cannot be read' });
  });

  test('settings: a check is there once, and the token goes nowhere without TLS', () => {
    const check = {
      ...{ project: 'a/b', projectId: 1, check: 2, secretFile: 's', as: 'ci/payments', for: '1h' },
      entitlement: 'warehouse:payments#write',
    };
    const read = (over: object) =>
      gitlabSchema.safeParse({ url: 'https://gitlab.example.com', tokenFile: 't', checks: [check], ...over });
    expect(read({}).success).toBe(true);
    expect(read({ checks: [check, check] }).success).toBe(false);
    expect(read({ url: 'http://gitlab.example.com' }).success).toBe(false);
    expect(read({ url: 'https://gitlab.example.com/?x' }).success).toBe(false);
    expect(read({ checks: [{ ...check, as: 'person/mira' }] }).success).toBe(false);
  });
});
