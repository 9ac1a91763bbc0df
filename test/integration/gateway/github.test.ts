import { eventuallyTrue } from '../../support/harness-wait';
import { GithubGateway, INSTALLATION, REPOSITORY, REPOSITORY_ID } from './support/github-gateway';

/* Deployments of GitHub wait for policy and people. GitHub is played by a server that keeps to GitHub's published documents. */

jest.setTimeout(90_000);

let one: GithubGateway;
beforeAll(async () => {
  one = await GithubGateway.start();
}, 180_000);
afterAll(async () => {
  await one?.stop();
});
afterEach(() => {
  expect(one.github.wrong).toEqual([]);
  one.github.trouble = undefined;
});

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const LATER = 'c0ffee0000000000000000000000000000000002';

describe('FRI-2, AGE-2 a deployment protection rule of GitHub', () => {
  test('what policy permits goes on at once, with the link', async () => {
    const run = one.next();
    const id = await one.asked(one.begin({ run, environment: 'staging' }));
    expect(await one.answerTo(run)).toEqual({
      run,
      environment: 'staging',
      state: 'approved',
      comment: `Countersign: permitted by policy. ${one.gateway.url}/requests/${id}`,
    });
  });

  test('people decide on exactly this commit, environment and run', async () => {
    const run = one.next();
    const deployment = one.next();
    const id = await one.asked(one.begin({ run, environment: 'production', commit: COMMIT, deployment }));
    const { submission } = await one.gateway.harness.cast.settled({ id });
    expect(submission?.request).toMatchObject({
      requester: 'ci/payments',
      reason: `deploy ${REPOSITORY} at commit ${COMMIT} to production, run ${run}, deployment ${deployment}`,
    });
    expect(one.answersTo(run)).toEqual([]);
    expect((await one.gateway.say('person/mira', 'approve', id)).json).toMatchObject({ accepted: true });
    expect(await one.answerTo(run)).toMatchObject({ state: 'approved', environment: 'production' });
  });

  test('an exact action has them among its arguments', async () => {
    const run = one.next();
    const deployment = one.next();
    const id = await one.asked(one.begin({ run, environment: 'vault', commit: COMMIT, deployment }));
    const { submission } = await one.gateway.harness.cast.settled({ id });
    expect(submission?.request.parameters).toEqual({
      tool: 'github-deployment',
      toolVersion: '1',
      target: 'payments-secrets',
      arguments: {
        repository: REPOSITORY,
        repositoryId: REPOSITORY_ID,
        environment: 'vault',
        commit: COMMIT,
        run,
        deployment,
      },
    });
    expect((await one.gateway.say('person/mira', 'approve', id)).json).toMatchObject({ accepted: true });
    expect(await one.answerTo(run)).toMatchObject({ state: 'approved', environment: 'vault' });
  });

  test('a denial goes back with its code, and without what people wrote', async () => {
    const run = one.next();
    const id = await one.asked(one.begin({ run, environment: 'production' }));
    await one.gateway.say('person/mira', 'deny', id);
    expect(await one.answerTo(run)).toMatchObject({
      state: 'rejected',
      comment: `Countersign: denied: not-now. ${one.gateway.url}/requests/${id}`,
    });
  });

  test('delivered twice, at once and later, it is one request and one answer', async () => {
    const run = one.next();
    const message = one.begin({ run, environment: 'production' });
    const answers = await Promise.all([
      one.deliver(message),
      one.deliver(message),
      one.deliver(message, 'same'),
    ]);
    const again = await one.deliver(message, 'same');
    const ids = new Set([...answers, again].map(({ json }) => json.request));
    expect(ids.size).toBe(1);
    expect(answers.filter(({ json }) => json.outcome === 'asked')).toHaveLength(1);
    const [id] = ids;
    await one.gateway.say('person/mira', 'deny', String(id));
    await one.answerTo(run);
    expect((await one.deliver(message)).json.outcome).toBe('known');
    expect(one.answersTo(run)).toHaveLength(1);
  });

  test('run again, it is asked again: the older request is withdrawn and never answers, in whatever order they come', async () => {
    const run = one.next();
    const [first, second] = [one.next(), one.next()];
    const older = one.begin({ run, environment: 'production', deployment: first });
    const newer = one.begin({ run, environment: 'production', deployment: second });
    const newId = await one.asked(newer);
    const oldId = await one.asked(older);
    await eventuallyTrue('the older is withdrawn', async () => (await one.statusOf(oldId)) === 'withdrawn');
    expect(await one.gateway.harness.cast.settled({ id: newId })).toMatchObject({
      status: 'awaiting_approval',
    });
    await one.gateway.say('person/mira', 'approve', newId);
    await one.answerTo(run);
    expect(one.answersTo(run)).toHaveLength(1);
  });

  test('a later commit is a question of its own, and so is each environment', async () => {
    const [run, later] = [one.next(), one.next()];
    const ids = [
      await one.asked(one.begin({ run, environment: 'production', commit: COMMIT })),
      await one.asked(one.begin({ run: later, environment: 'production', commit: LATER })),
      await one.asked(one.begin({ run: later, environment: 'vault', commit: LATER })),
    ];
    expect(new Set(ids).size).toBe(3);
    await one.gateway.say('person/mira', 'approve', ids[1] ?? '');
    expect(await one.answerTo(later)).toMatchObject({ environment: 'production', state: 'approved' });
    await one.gateway.say('person/mira', 'deny', ids[2] ?? '');
    await eventuallyTrue('both answers', async () => one.answersTo(later).length === 2);
    expect(one.answersTo(run)).toEqual([]);
    await one.gateway.say('person/mira', 'deny', ids[0] ?? '');
    await one.answerTo(run);
  });

  test('an approval of a run that was cancelled, started again or changed is not given, and leaves no access', async () => {
    const changes: ((run: number, deployment: number) => void)[] = [
      (run) => Object.assign(one.github.runs.get(run) ?? {}, { status: 'completed' }),
      (run) => Object.assign(one.github.runs.get(run) ?? {}, { startedAtMs: Date.now() + 60_000 }),
      (run) => Object.assign(one.github.runs.get(run) ?? {}, { repository: 1 }),
      (run, id) => Object.assign(one.github.runs.get(run)?.deployments.get(id) ?? {}, { sha: LATER }),
      (run, id) =>
        Object.assign(one.github.runs.get(run)?.deployments.get(id) ?? {}, { environment: 'vault' }),
      (run) => void one.github.runs.delete(run),
    ];
    for (const change of changes) {
      const run = one.next();
      const deployment = one.next();
      const id = await one.asked(one.begin({ run, environment: 'production', commit: COMMIT, deployment }));
      await one.gateway.harness.cast.settled({ id });
      change(run, deployment);
      await one.gateway.say('person/mira', 'approve', id);
      await eventuallyTrue('the access is over', async () =>
        ['revoked', 'closed'].includes(await one.statusOf(id)),
      );
      expect(one.answersTo(run)).toEqual([]);
    }
  });

  test('a gateway that restarts in between loses nothing', async () => {
    const [run, other] = [one.next(), one.next()];
    const id = await one.asked(one.begin({ run, environment: 'production' }));
    one.github.trouble = { status: 503 };
    const permitted = await one.asked(one.begin({ run: other, environment: 'staging' }));
    await eventuallyTrue('policy has answered', async () => (await one.statusOf(permitted)) === 'active');
    await one.gateway.stopGateway();
    one.github.trouble = undefined;
    await one.gateway.startGateway();
    expect(await one.answerTo(other)).toMatchObject({ state: 'approved' });
    await one.gateway.say('person/mira', 'approve', id);
    expect(await one.answerTo(run)).toMatchObject({ state: 'approved' });
  });
});

describe('FRI-2, TTA-2 what does not come from the installation that the settings name is refused', () => {
  const refusal = async (over: Record<string, unknown>, environment = 'production', secret?: string) => {
    const run = one.next();
    const { status, json } = await one.deliver(one.begin({ run, environment }, over), undefined, secret);
    expect(one.answersTo(run)).toEqual([]);
    return `${status} ${json.code}`;
  };

  test('a wrong signature, another installation, a repository or environment that is not named', async () => {
    const calls = one.github.calls.length;
    expect(await refusal({}, 'production', 'another secret of the webhook')).toBe('401 BAD_SIGNATURE');
    expect(await refusal({ installation: { id: 4, node_id: 'x' } })).toBe('403 UNKNOWN_INSTALLATION');
    expect(await refusal({ repository: { id: 5, full_name: REPOSITORY } })).toBe('403 NOT_NAMED');
    expect(await refusal({ repository: { id: REPOSITORY_ID, full_name: 'acme/other' } })).toBe('403 RENAMED');
    expect(await refusal({}, 'elsewhere')).toBe('403 NOT_NAMED');
    expect(await refusal({ deployment: { environment: 'vault' } })).toBe('403 ANOTHER_ENVIRONMENT');
    expect(await refusal({ deployment_callback_url: 'https://evil.example/x' })).toBe(
      '403 CALLBACK_ELSEWHERE',
    );
    const old = { created_at: new Date(Date.now() - 4 * 86_400_000).toISOString() };
    expect(await refusal({ deployment: old })).toBe('403 TOO_OLD');
    const ahead = { created_at: new Date(Date.now() + 3_600_000).toISOString() };
    expect(await refusal({ deployment: ahead })).toBe('403 TOO_OLD');
    expect(one.github.calls).toHaveLength(calls);
    expect(INSTALLATION).not.toBe(4);
  });

  test('a body that is too large is not read', async () => {
    const { status } = await one.deliver({
      ...one.begin({ run: one.next(), environment: 'staging' }),
      x: 'x'.repeat(1_100_000),
    });
    expect(status).toBe(413);
  });

  test('a row of the database that names another run gets no answer', async () => {
    const [run, victim] = [one.next(), one.next()];
    const id = await one.asked(one.begin({ run, environment: 'production', commit: COMMIT }));
    one.begin({ run: victim, environment: 'production', commit: LATER });
    await one.gateway.harness.postgres.query(
      `UPDATE countersign.github_question SET question = replace(question, '"run":${run}', '"run":${victim}') WHERE request_id = $1`,
      [id],
    );
    await one.gateway.say('person/mira', 'approve', id);
    await eventuallyTrue('the row is put aside', async () => {
      const [row] = await one.gateway.harness.postgres.query(
        'SELECT answer FROM countersign.github_question WHERE request_id = $1',
        [id],
      );
      return row?.['answer'] === 'the row is not one of ours';
    });
    expect(one.answersTo(victim)).toEqual([]);
    expect(one.answersTo(run)).toEqual([]);
  });
});
