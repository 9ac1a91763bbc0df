import { eventuallyTrue } from '../../support/harness-wait';
import { CHECKS, GitlabGateway, PROJECT, PROJECT_ID } from './support/gitlab-gateway';

/* Merge requests of GitLab wait for policy and people. GitLab is played by a server that is written from its documentation. */

jest.setTimeout(90_000);

let one: GitlabGateway;
beforeAll(async () => {
  one = await GitlabGateway.start();
}, 180_000);
afterAll(async () => {
  await one?.stop();
});
afterEach(() => {
  expect(one.gitlab.wrong).toEqual([]);
  one.gitlab.trouble = undefined;
});

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const LATER = 'c0ffee0000000000000000000000000000000002';

describe('FRI-2, AGE-2 an external status check of GitLab', () => {
  test('what policy permits passes at once', async () => {
    const mergeRequest = one.next();
    await one.asked(one.propose({ mergeRequest, commit: COMMIT }, CHECKS.permitted));
    expect(await one.statusOf(mergeRequest)).toEqual({
      ...{ mergeRequest, check: CHECKS.permitted, sha: COMMIT, status: 'passed' },
    });
  });

  test('people decide on exactly this commit and branch', async () => {
    const mergeRequest = one.next();
    const id = await one.asked(one.propose({ mergeRequest, commit: COMMIT, branch: 'release/1' }));
    const { submission } = await one.gateway.harness.cast.settled({ id });
    expect(submission?.request).toMatchObject({
      requester: 'ci/payments',
      reason: `merge ${PROJECT}!${mergeRequest} at commit ${COMMIT} into release/1`,
    });
    expect(one.statusesOf(mergeRequest)).toEqual([]);
    expect((await one.gateway.say('person/mira', 'approve', id)).json).toMatchObject({ accepted: true });
    expect(await one.statusOf(mergeRequest)).toMatchObject({ sha: COMMIT, status: 'passed' });
  });

  test('an exact action has them among its arguments', async () => {
    const mergeRequest = one.next();
    const id = await one.asked(one.propose({ mergeRequest, commit: COMMIT }, CHECKS.exact));
    const { submission } = await one.gateway.harness.cast.settled({ id });
    expect(submission?.request.parameters?.arguments).toEqual({
      ...{ project: PROJECT, projectId: PROJECT_ID, mergeRequest, branch: 'main', commit: COMMIT },
    });
    await one.gateway.say('person/mira', 'deny', id);
    expect(await one.statusOf(mergeRequest)).toMatchObject({ check: CHECKS.exact, status: 'failed' });
  });

  test('delivered several times, at once and later, it is one request and one answer', async () => {
    const mergeRequest = one.next();
    const message = one.propose({ mergeRequest, commit: COMMIT });
    const answers = await Promise.all([one.deliver(message), one.deliver(message), one.deliver(message)]);
    expect(new Set(answers.map(({ json }) => json.request)).size).toBe(1);
    expect(answers.filter(({ json }) => json.outcome === 'asked')).toHaveLength(1);
    await one.gateway.say('person/mira', 'deny', String(answers[0]?.json.request));
    await one.statusOf(mergeRequest);
    expect((await one.deliver(message)).json.outcome).toBe('known');
    expect(one.statusesOf(mergeRequest)).toHaveLength(1);
  });

  test('a new commit is asked about anew; the older request ends without an answer, in whatever order they come', async () => {
    const mergeRequest = one.next();
    const older = one.propose({ mergeRequest, commit: COMMIT });
    const newId = await one.asked(one.propose({ mergeRequest, commit: LATER }));
    const oldId = await one.asked(older);
    expect(newId).not.toBe(oldId);
    await one.gateway.harness.cast.settled({ id: oldId });
    // Whether an undecided question is still asked is looked at each minute.
    await one.gateway.harness.postgres.query(
      'UPDATE countersign.gitlab_question SET noted_at_ms = noted_at_ms - 61000, next_at_ms = 0 WHERE request_id = $1',
      [oldId],
    );
    await eventuallyTrue('the older ends', async () => (await one.requestStatus(oldId)) === 'withdrawn');
    expect(await one.requestStatus(newId)).toBe('awaiting_approval');
    await one.gateway.say('person/mira', 'approve', newId);
    expect(await one.statusOf(mergeRequest)).toMatchObject({ sha: LATER, status: 'passed' });
    expect(one.statusesOf(mergeRequest)).toHaveLength(1);
  });

  test('an approval of what was changed, merged, closed or retargeted meanwhile is not given, and leaves no access', async () => {
    const changes = [
      { sha: LATER },
      { state: 'merged' },
      { state: 'closed' },
      { branch: 'production' },
      { projectId: 1 },
    ] as const;
    for (const change of changes) {
      const mergeRequest = one.next();
      const id = await one.asked(one.propose({ mergeRequest, commit: COMMIT }));
      await one.gateway.harness.cast.settled({ id });
      Object.assign(one.gitlab.mergeRequests.get(mergeRequest) ?? {}, change);
      await one.gateway.say('person/mira', 'approve', id);
      await eventuallyTrue('the access is over', async () =>
        ['revoked', 'closed'].includes(await one.requestStatus(id)),
      );
      expect(one.statusesOf(mergeRequest)).toEqual([]);
    }
  });

  test('a limit and an outage, over a restart of the gateway, lose nothing', async () => {
    const mergeRequest = one.next();
    one.gitlab.trouble = { status: 429, headers: { 'retry-after': '3' } };
    const id = await one.asked(one.propose({ mergeRequest, commit: COMMIT }, CHECKS.permitted));
    await eventuallyTrue('policy has answered', async () => (await one.requestStatus(id)) === 'active');
    const calls = () => one.gitlab.calls.filter((call) => call.includes(`/merge_requests/${mergeRequest}`));
    await eventuallyTrue('GitLab is called', async () => calls().length > 0);
    const atMs = Date.now();
    const before = calls().length;
    await eventuallyTrue('GitLab is called again', async () => calls().length > before);
    expect(Date.now() - atMs).toBeGreaterThan(2_000);
    one.gitlab.trouble = { status: 503 };
    await one.gateway.stopGateway();
    await one.gateway.startGateway();
    one.gitlab.trouble = undefined;
    expect(await one.statusOf(mergeRequest)).toMatchObject({ status: 'passed' });
  });
});

describe('FRI-2, TTA-2 what does not come from the status check that the settings name is refused', () => {
  test('a wrong signature, the secret of another check, another check or project, a project that was renamed', async () => {
    const calls = one.gitlab.calls.length;
    const mergeRequest = one.next();
    const message = one.propose({ mergeRequest, commit: COMMIT });
    const refusal = async (...given: Parameters<GitlabGateway['deliver']>) => {
      const { status, json } = await one.deliver(...given);
      return `${status} ${json.code}`;
    };
    expect(await refusal(message, CHECKS.people, 99)).toBe('401 BAD_SIGNATURE');
    expect(await refusal(message, CHECKS.people, CHECKS.permitted)).toBe('401 BAD_SIGNATURE');
    expect(await refusal(message, 99)).toBe('401 BAD_SIGNATURE');
    // Who knows the secret of one check cannot have another one asked by it.
    expect(await refusal(message, CHECKS.permitted)).toBe('403 ANOTHER_CHECK');
    const other = { ...message.project, id: 7 };
    expect(await refusal({ ...message, project: other })).toBe('403 NOT_NAMED');
    const about = { ...message.object_attributes, target_project_id: 7 };
    expect(await refusal({ ...message, object_attributes: about })).toBe('403 NOT_NAMED');
    const renamed = { ...message.project, path_with_namespace: 'acme/other' };
    expect(await refusal({ ...message, project: renamed })).toBe('403 RENAMED');
    const hostile = { ...message.object_attributes, target_branch: 'main — approved by everybody' };
    expect(await refusal({ ...message, object_attributes: hostile })).toMatch(/^400/);
    expect(one.gitlab.calls).toHaveLength(calls);
  });

  test('a merge request that is not open asks nothing, and what is too large is not read', async () => {
    const message = one.propose({ mergeRequest: one.next(), commit: COMMIT, state: 'closed' });
    expect((await one.deliver(message)).json).toEqual({ outcome: 'ignored' });
    const large = { ...message, labels: ['x'.repeat(4_300_000)] as never[] };
    expect((await one.deliver(large)).status).toBe(413);
  });

  test('a row of the database that names another merge request gets no answer', async () => {
    const [mergeRequest, victim] = [one.next(), one.next()];
    const id = await one.asked(one.propose({ mergeRequest, commit: COMMIT }));
    one.propose({ mergeRequest: victim, commit: COMMIT });
    const { postgres } = one.gateway.harness;
    await postgres.query(
      `UPDATE countersign.gitlab_question SET question = replace(question, '"mergeRequest":${mergeRequest}', '"mergeRequest":${victim}') WHERE request_id = $1`,
      [id],
    );
    await one.gateway.say('person/mira', 'approve', id);
    await eventuallyTrue('the row is put aside', async () => {
      const [row] = await postgres.query(
        'SELECT answer FROM countersign.gitlab_question WHERE request_id = $1',
        [id],
      );
      return row?.['answer'] === 'the row is not one of ours';
    });
    expect(one.statusesOf(victim)).toEqual([]);
  });
});
