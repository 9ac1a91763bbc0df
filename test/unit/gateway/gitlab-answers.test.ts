import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GitlabAnswers } from '../../../src/gateway/gitlab/answers';
import { GitlabApi } from '../../../src/gateway/gitlab/api';
import { gitlabSchema } from '../../../src/gateway/gitlab/config';
import { askedBy, requestIdOf } from '../../../src/gateway/gitlab/question';
import { GatewayKeys } from '../../../src/gateway/keys';
import { generateKey, importSigningKey } from '../../../src/signing/keys';
import type { VerifiedRequest } from '../../../src/verified/verify-request';
import { FakeGitlab } from '../../support/gitlab/fake-gitlab';

/* Answers to GitLab over a clock of the test: an hour goes by in as many looks as it has seconds. */

const BEGUN = Date.parse('2026-11-30T10:00:00Z');
const COMMIT = 'a'.repeat(40);
const QUESTION = {
  ...{ projectId: 6, project: 'acme/payments', check: 2, mergeRequest: 4, branch: 'main', commit: COMMIT },
};
const config = gitlabSchema.parse({
  ...{ url: 'https://gitlab.example.com', tokenFile: 'token' },
  checks: [
    {
      ...{ project: 'acme/payments', projectId: 6, check: 2, secretFile: 's', as: 'ci/payments' },
      ...{ entitlement: 'warehouse:payments#write', for: '1h' },
    },
  ],
});

let gitlab: FakeGitlab;
let folder: string;
let nowMs: number;
let status: string;
let ended: string | undefined;
let takenBack: string[];
let answers: GitlabAnswers;
beforeEach(async () => {
  gitlab = await FakeGitlab.start('glpat-x', 6, [2]);
  gitlab.mergeRequests.set(4, { projectId: 6, state: 'opened', sha: COMMIT, branch: 'main' });
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-gitlab-'));
  const tokenFile = path.join(folder, 'token');
  writeFileSync(tokenFile, 'glpat-x\n');
  const pair = await generateKey();
  const imported = await importSigningKey(pair.privateJwkText, 'a key');
  if (!imported.ok) throw new Error(imported.message);
  const keys = await GatewayKeys.of(imported.key, pair.privateJwkText);
  const [rule] = config.checks;
  if (rule === undefined) throw new Error('there is no rule');
  const requestId = requestIdOf(QUESTION, rule, keys);
  [nowMs, status, ended, takenBack] = [BEGUN, 'active', undefined, []];
  let open = { nextAtMs: BEGUN, failures: 0 };
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  answers = new GitlabAnswers({
    ...{ config, keys, publicUrl: 'https://gateway.example', log: quiet, nowMs: () => nowMs },
    api: new GitlabApi({ url: gitlab.url, tokenFile }, () => nowMs),
    store: {
      claim: async (atMs) =>
        ended !== undefined || open.nextAtMs > atMs
          ? []
          : [{ requestId, question: QUESTION, notedAtMs: BEGUN, isSuperseded: false, ...open }],
      lookAgain: async (_id, nextAtMs, failures) => {
        open = { nextAtMs, failures };
      },
      end: async (_id, answer) => {
        ended = answer;
      },
    },
    read: async () =>
      ({
        holds: true,
        request: { ...askedBy(QUESTION, rule, requestId), submittedAtMs: BEGUN },
        view: { status, assessment: { outcome: 'approve', reasonCodes: [] } },
        serverSays: [],
      }) as unknown as VerifiedRequest,
    takeBack: async (principal) => takenBack.push(principal),
  });
});
afterEach(async () => {
  await gitlab.close();
  rmSync(folder, { recursive: true, force: true });
  expect(gitlab.wrong).toEqual([]);
});

async function pass(ms: number): Promise<void> {
  for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 1_000) await answers.due.look();
}

describe('FRI-2 an answer reaches GitLab whatever happens in between', () => {
  test('an outage of an hour: it is tried less and less often, and answered within five minutes of its end', async () => {
    gitlab.trouble = { status: 502 };
    await pass(3_600_000);
    expect(gitlab.calls.length).toBeGreaterThan(5);
    expect(gitlab.calls.length).toBeLessThan(25);
    gitlab.trouble = undefined;
    await pass(301_000);
    expect(gitlab.statuses).toEqual([{ mergeRequest: 4, check: 2, sha: COMMIT, status: 'passed' }]);
    expect(ended).toBe('approved');
  });

  test('a limit: nothing is sent before its end', async () => {
    gitlab.trouble = { status: 429, headers: { 'retry-after': new Date(BEGUN + 90_000).toUTCString() } };
    await pass(89_000);
    expect(gitlab.calls).toHaveLength(1);
    gitlab.trouble = undefined;
    await pass(5_000);
    expect(gitlab.statuses).toHaveLength(1);
  });

  test('a commit that came between the last look and the answer: GitLab does not take the answer, and it is over', async () => {
    status = 'denied';
    gitlab.mergeRequests.set(4, { projectId: 6, state: 'opened', sha: 'b'.repeat(40), branch: 'main' });
    await pass(2_000);
    expect([gitlab.statuses, ended]).toEqual([[], 'GitLab answered 409']);
    expect(takenBack).toEqual([]);
  });

  test('undecided, nothing is said; what is merged meanwhile is noticed within two minutes', async () => {
    status = 'awaiting_approval';
    await pass(50_000);
    expect(gitlab.calls).toEqual([]);
    gitlab.mergeRequests.set(4, { projectId: 6, state: 'merged', sha: COMMIT, branch: 'main' });
    await pass(70_000);
    expect([takenBack, ended, gitlab.statuses]).toEqual([
      ['ci/payments'],
      'the merge request is not open',
      [],
    ]);
  });
});
