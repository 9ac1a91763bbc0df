import { type Place, placeOf, publishCheckRun } from '../../../../src/cli/check-run/publish';
import type { CheckReport } from '../../../../src/cli/check-run/report';
import { FakeChecks } from '../../../support/github/fake-checks';

const TOKEN = 'ghs_of_the_job';
const COMMIT = 'a'.repeat(40);
const REPORT: CheckReport = { conclusion: 'neutral', title: '1 of 2', summary: 'text\n' };

let github: FakeChecks;
let paused: number[];
let place: Place;
beforeEach(async () => {
  github = await FakeChecks.start('acme/policies', TOKEN);
  paused = [];
  const env = { GITHUB_REPOSITORY: 'acme/policies', GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url };
  place = { ...placeOf(COMMIT, env), pause: async (ms) => paused.push(ms) };
});
afterEach(async () => {
  await github.close();
  expect(github.wrong).toEqual([]);
});

describe('FRI-2 a check run on the commit of a pull request', () => {
  test('is made once for a commit, and changed when the job runs again', async () => {
    expect(await publishCheckRun(REPORT, place)).toBeUndefined();
    expect(await publishCheckRun({ ...REPORT, conclusion: 'success' }, place)).toBeUndefined();
    expect(github.runs).toMatchObject([
      {
        ...{ id: 1, name: 'Countersign policy preview', head_sha: COMMIT, conclusion: 'success' },
        output: { title: '1 of 2', summary: 'text\n' },
      },
    ]);
    expect(await publishCheckRun(REPORT, { ...place, commit: 'b'.repeat(40) })).toBeUndefined();
    expect(github.runs.map((one) => one.head_sha)).toEqual([COMMIT, 'b'.repeat(40)]);
  });

  test("another app's run of the same name is left alone, and does not keep ours away", async () => {
    await publishCheckRun(REPORT, place);
    const [first] = github.runs;
    if (first === undefined) throw new Error('no run');
    github.runs[0] = { ...first, app: 'somebody-else' };
    expect(await publishCheckRun({ ...REPORT, conclusion: 'failure' }, place)).toBeUndefined();
    expect(github.runs.map(({ conclusion }) => conclusion)).toEqual(['neutral', 'failure']);
    expect(await publishCheckRun(REPORT, place)).toBeUndefined();
    expect(github.runs).toHaveLength(2);
  });

  test('waits as GitHub asks, retries an outage a few times, and gives up what cannot succeed', async () => {
    github.troubles.push({ status: 403, headers: { 'retry-after': '7' } }, { status: 502 });
    expect(await publishCheckRun(REPORT, place)).toBeUndefined();
    expect(paused).toEqual([7_000, 2_000]);
    for (let index = 0; index < 4; index += 1) github.troubles.push({ status: 503 });
    expect(await publishCheckRun(REPORT, place)).toBe('GitHub answered 503');
    const calls = github.calls.length;
    github.troubles.push({ status: 429, headers: { 'retry-after': '3000' } });
    expect(await publishCheckRun(REPORT, place)).toBe('GitHub answered 429, and wants a longer pause');
    github.troubles.push({ status: 403 });
    expect(await publishCheckRun(REPORT, place)).toBe('GitHub answered 403');
    expect(github.calls).toHaveLength(calls + 2);
    expect(await publishCheckRun(REPORT, { ...place, token: 'another' })).toBe('GitHub answered 401');
    expect(await publishCheckRun(REPORT, { ...place, apiUrl: 'http://127.0.0.1:1' })).toBe(
      'GitHub cannot be reached',
    );
  });

  test.each([
    ['GITHUB_TOKEN', {}],
    ['GITHUB_TOKEN', { GITHUB_TOKEN: 'a\nb' }],
    ['GITHUB_REPOSITORY', { GITHUB_REPOSITORY: 'acme/../other' }],
    ['GITHUB_REPOSITORY', { GITHUB_REPOSITORY: 'acme/..' }],
    ['GITHUB_REPOSITORY', { GITHUB_REPOSITORY: 'acme' }],
    ['GITHUB_API_URL', { GITHUB_API_URL: 'http://evil.example' }],
    ['GITHUB_API_URL', { GITHUB_API_URL: 'https://api.github.com?x=' }],
  ])('a place that cannot be right is wrong usage: %s', (name, over) => {
    const env = { GITHUB_REPOSITORY: 'acme/policies', ...(name !== 'GITHUB_TOKEN' && { GITHUB_TOKEN: 'x' }) };
    expect(() => placeOf(COMMIT, { ...env, ...over })).toThrow(name);
    expect(() => placeOf('main', env)).toThrow('--check-run');
  });
});
