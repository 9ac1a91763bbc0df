import { GithubAnswers } from '../../../../src/gateway/github/answers';
import type { DeploymentStanding, GithubApi } from '../../../../src/gateway/github/api';
import { githubSchema } from '../../../../src/gateway/github/config';
import { deploymentReviewOf, whyStale } from '../../../../src/gateway/github/deployment-review';
import { askedBy, type Question, requestIdOf } from '../../../../src/gateway/github/question';
import { refusedByResponse } from '../../../../src/gateway/github/response';
import { GatewayKeys } from '../../../../src/gateway/keys';
import type { OpenQuestion } from '../../../../src/gateway/questions/store';
import { generateKey, importSigningKey } from '../../../../src/signing/keys';
import type { VerifiedRequest } from '../../../../src/verified/verify-request';

const HOUR = 3_600_000;
const BEGUN = Date.parse('2026-11-30T10:00:00Z');
const QUESTION: Question = {
  installation: 99,
  repositoryId: 4711,
  repository: 'acme/payments',
  environment: 'production',
  run: 7,
  deployment: 12,
  commit: 'a'.repeat(40),
};
const config = githubSchema.parse({
  app: 'Iv1.abc',
  keyFile: 'app.pem',
  webhookSecretFile: 'secret',
  deployments: [
    {
      repository: 'acme/payments',
      repositoryId: 4711,
      installation: 99,
      environment: 'production',
      as: 'ci/payments',
      entitlement: 'warehouse:payments#write',
      for: '1h',
    },
  ],
});
const [RULE] = config.deployments;
if (RULE === undefined) throw new Error('there is no rule');
const STANDING: DeploymentStanding = {
  run: { id: 7, status: 'waiting', run_started_at: '2026-11-30T10:00:00Z', repository: { id: 4711 } },
  deployment: {
    id: 12,
    sha: 'a'.repeat(40),
    environment: 'production',
    created_at: '2026-11-30T10:00:01Z',
  },
};

let keys: GatewayKeys;
beforeAll(async () => {
  const pair = await generateKey();
  const imported = await importSigningKey(pair.privateJwkText, 'a key');
  if (!imported.ok) throw new Error(imported.message);
  keys = await GatewayKeys.of(imported.key, pair.privateJwkText);
});

/** A request that verifies, as far as it is looked at. */
const proved = (status: string, over: object = {}, view: object = {}): VerifiedRequest =>
  ({
    holds: true,
    request: { ...askedBy(QUESTION, RULE, requestIdOf(QUESTION, RULE, keys)), submittedAtMs: BEGUN, ...over },
    view: { status, assessment: { outcome: 'approve', reasonCodes: [] }, ...view },
    serverSays: [],
  }) as unknown as VerifiedRequest;

/** Answers with a clock, a store of one question, and a GitHub that answers as a test says. */
class Stage {
  nowMs = BEGUN;
  read: VerifiedRequest = proved('awaiting_approval');
  standing: Awaited<ReturnType<GithubApi['standing']>> = { ok: true, value: STANDING };
  reply: Awaited<ReturnType<GithubApi['answer']>> = { ok: true, value: 'taken' };
  readonly given: string[] = [];
  readonly takenBack: string[] = [];
  readonly looks: number[] = [];
  open: OpenQuestion<Question> & { nextAtMs: number };
  ended: string | undefined;
  readonly answers: GithubAnswers;

  constructor(over: Partial<OpenQuestion<Question>> = {}) {
    const requestId = requestIdOf(QUESTION, RULE ?? config.deployments[0] ?? expectNever(), keys);
    this.open = {
      ...{
        requestId,
        question: QUESTION,
        notedAtMs: BEGUN,
        failures: 0,
        isSuperseded: false,
        nextAtMs: BEGUN,
      },
      ...over,
    };
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    this.answers = new GithubAnswers({
      ...{ config, keys, publicUrl: 'https://gateway.example', log: quiet, nowMs: () => this.nowMs },
      api: {
        standing: async () => this.standing,
        answer: async (_question, state) => {
          this.given.push(state);
          return this.reply;
        },
      },
      store: {
        claim: async (atMs) => {
          if (this.ended !== undefined || this.open.nextAtMs > atMs) return [];
          this.looks.push(atMs - BEGUN);
          return [this.open];
        },
        lookAgain: async (_id, nextAtMs, failures) => {
          this.open = { ...this.open, nextAtMs, failures };
        },
        end: async (_id, answer) => {
          this.ended = answer;
        },
      },
      read: async () => this.read,
      takeBack: async (principal) => this.takenBack.push(principal),
    });
  }

  /** Lets time go by, a second at a time. */
  async after(ms: number): Promise<void> {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; this.nowMs += 1_000)
      await this.answers.due.look();
  }
}
const expectNever = (): never => {
  throw new Error('there is no rule');
};

describe('FRI-2 an answer reaches GitHub whatever happens in between', () => {
  test('undecided, nothing is said; then once', async () => {
    const stage = new Stage();
    await stage.after(20_000);
    expect(stage.given).toEqual([]);
    stage.read = proved('active');
    await stage.after(20_000);
    expect(stage.given).toEqual(['approved']);
    expect(stage.ended).toBe('approved');
  });

  test('an outage of an hour: it is tried less and less often, and answered within five minutes of its end', async () => {
    const stage = new Stage();
    stage.read = proved('active');
    stage.standing = { ok: false, kind: 'later', why: 'GitHub cannot be reached' };
    await stage.after(HOUR);
    expect(stage.given).toEqual([]);
    expect(stage.looks.length).toBeLessThan(25);
    stage.standing = { ok: true, value: STANDING };
    await stage.after(301_000);
    expect(stage.given).toEqual(['approved']);
  });

  test('429 and 403 with Retry-After or a reset: nothing is sent before', async () => {
    const limited = (status: number, headers: Record<string, string>) =>
      refusedByResponse(new Response('', { status, headers }), BEGUN);
    const reset = String(BEGUN / 1_000 + 90);
    const limits = [
      limited(429, { 'retry-after': '90' }),
      limited(403, { 'retry-after': '90' }),
      limited(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }),
    ];
    for (const limit of limits) {
      const stage = new Stage();
      stage.read = proved('active');
      stage.reply = limit;
      await stage.after(89_000);
      expect(stage.given).toHaveLength(1);
      stage.reply = { ok: true, value: 'taken' };
      await stage.after(3_000);
      expect([stage.given.length, stage.ended]).toEqual([2, 'approved']);
    }
    expect(limited(429, { 'retry-after': '999999' }).pauseMs).toBe(HOUR);
    expect(limited(404, {}).kind).toBe('gone');
    expect(limited(403, {}).kind).toBe('later');
  });

  test('a callback that GitHub no longer takes ends the request and its access', async () => {
    const stage = new Stage();
    stage.read = proved('active');
    stage.reply = { ok: false, kind: 'gone', why: 'GitHub answered 422', status: 422 };
    await stage.after(2_000);
    expect([stage.takenBack, stage.ended]).toEqual([['ci/payments'], 'GitHub answered 422']);
  });

  test('a run that was cancelled while people think is noticed within two minutes, and nobody has to decide', async () => {
    const stage = new Stage();
    stage.standing = { ok: true, value: { ...STANDING, run: { ...STANDING.run, status: 'completed' } } };
    await stage.after(120_000);
    expect([stage.takenBack, stage.ended, stage.given]).toEqual([['ci/payments'], 'the run is over', []]);
  });

  test('a run that is over, started again or of another commit when people have approved gets no answer', async () => {
    const changed: DeploymentStanding[] = [
      { ...STANDING, run: { ...STANDING.run, status: 'completed' } },
      { ...STANDING, run: { ...STANDING.run, run_started_at: '2026-11-30T10:05:00Z' } },
      { ...STANDING, deployment: { ...STANDING.deployment, sha: 'b'.repeat(40) } },
    ];
    for (const value of changed) {
      const stage = new Stage();
      stage.read = proved('active');
      stage.standing = { ok: true, value };
      await stage.after(2_000);
      expect([stage.given, stage.takenBack]).toEqual([[], ['ci/payments']]);
    }
  });

  test('an approval that ended before GitHub could be told is no approval', async () => {
    const stage = new Stage();
    stage.read = proved('expired');
    await stage.after(2_000);
    expect(stage.given).toEqual(['rejected']);
  });

  test('one that GitHub has asked anew, and a row about another request, are never answered', async () => {
    const older = new Stage({ isSuperseded: true });
    const forged = new Stage({ question: { ...QUESTION, run: 8 } });
    const removed = new Stage({ question: { ...QUESTION, environment: 'staging' } });
    for (const stage of [older, forged, removed]) {
      stage.read = proved('active');
      await stage.after(5_000);
      expect(stage.given).toEqual([]);
      expect(stage.ended).toBeDefined();
    }
    expect(older.takenBack).toEqual(['ci/payments']);
    expect(forged.takenBack).toEqual([]);
  });
});

describe('AGE-2 an approval is for exactly what GitHub asks', () => {
  test('a request about anything else is rejected, and what is not proved is none', () => {
    expect(deploymentReviewOf(proved('active'), QUESTION, RULE)?.state).toBe('approved');
    const others = [
      { reason: 'another' },
      { durationMs: 1 },
      { requester: 'ci/other' },
      { beneficiary: 'person/mallory' },
      { notBeforeMs: BEGUN },
      { entitlement: { connector: 'warehouse', resource: 'payments', action: 'read' } },
    ];
    for (const over of others)
      expect(deploymentReviewOf(proved('active', over), QUESTION, RULE)?.state).toBe('rejected');
    expect(deploymentReviewOf(proved('active'), { ...QUESTION, commit: 'b'.repeat(40) }, RULE)?.state).toBe(
      'rejected',
    );
    const refusal = { code: 'BAD_SIGNATURE', detail: 'x' } as const;
    expect(
      deploymentReviewOf({ holds: false, refusal } as unknown as VerifiedRequest, QUESTION, RULE),
    ).toBeUndefined();
  });

  test('GitHub’s own word on run and deployment has to fit', () => {
    expect(whyStale(STANDING, QUESTION)).toBeUndefined();
    const run = (over: object) => whyStale({ ...STANDING, run: { ...STANDING.run, ...over } }, QUESTION);
    const deployment = (over: object) =>
      whyStale({ ...STANDING, deployment: { ...STANDING.deployment, ...over } }, QUESTION);
    expect(run({ status: 'completed' })).toMatch(/over/);
    expect(run({ repository: { id: 1 } })).toMatch(/another repository/);
    expect(run({ run_started_at: '2026-11-30T10:00:02Z' })).toMatch(/started again/);
    expect(run({ id: 8 })).toMatch(/another run/);
    expect(deployment({ sha: 'b'.repeat(40) })).toMatch(/another commit/);
    expect(deployment({ environment: 'staging' })).toMatch(/another environment/);
  });
});
