import { EnforcementPoint, HolderKey, type TaskAnswer } from '../../../src/enforcement';

/* The rules of an enforcing side (profile, "PEP Processing Rules"), against a decision point that says anything. */

const BASE = 'https://pdp.example';
const EVALUATION = {
  subject: { type: 'ci', id: 'payments' },
  action: { name: 'write' },
  resource: { type: 'warehouse', id: 'payments' },
};
const METADATA = {
  policy_decision_point: BASE,
  access_evaluation_endpoint: `${BASE}/access/v1/evaluation`,
  access_request_endpoint: `${BASE}/access/v1/requests`,
  a_parameter_of_the_future: { any: ['thing'] },
};
const DENIAL = {
  decision: false,
  context: {
    evaluation_id: 'eval_1',
    evaluated_at: '2026-01-05T09:00:00Z',
    reason: 'approval_required',
    access_request: { expires_at: '2026-01-05T09:10:00Z', binding_token: 'a.b.c', template: 'access' },
  },
};

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Record<string, unknown>;
}

function point(answers: Record<string, unknown>, answered: Record<string, string> = {}) {
  const sent: Sent[] = [];
  const send = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const address = String(url);
    sent.push({
      url: address,
      method: init.method ?? 'GET',
      headers: { ...(init.headers as Record<string, string> | undefined) },
      ...(typeof init.body === 'string' && { body: JSON.parse(init.body) }),
    });
    const path = new URL(address).pathname;
    const answer = answers[path];
    const next = Array.isArray(answer) ? (answer.shift() ?? {}) : answer;
    return new Response(JSON.stringify(next ?? {}), {
      status: next === undefined ? 404 : 200,
      headers: answered,
    });
  };
  const metadata = { '/.well-known/authzen-configuration': METADATA };
  Object.assign(answers, { ...metadata, ...answers });
  return {
    sent,
    make: (more: object = {}) =>
      new EnforcementPoint({ decisionPoint: BASE, accessToken: async () => 'token', fetch: send, ...more }),
  };
}

const task = (status: string, more: object = {}): TaskAnswer => ({
  task: { id: 'arq_1', status, status_endpoint: `${BASE}/access/v1/requests/arq_1` },
  ...more,
});
const approval = { id: 'apr_1', approved_until: '2999-01-01T00:00:00Z', state: { any: ['thing'] } };

describe('an enforcing side', () => {
  it('takes a denial for a denial, and answers only one that can be', async () => {
    const { make } = point({ '/access/v1/evaluation': DENIAL });
    const enforcing = make();
    expect((await enforcing.evaluate(EVALUATION)).decision).toBe(false);
    for (const answer of [
      { decision: false },
      { decision: true },
      { decision: false, context: { reason: 'x' } },
    ])
      await expect(enforcing.request(EVALUATION, answer, { context: {} })).rejects.toThrow(
        'cannot be requested',
      );
  });

  it('returns what it was given as it was, with a key of its own', async () => {
    const { make, sent } = point({ '/access/v1/requests': task('pending') });
    await make().request(EVALUATION, DENIAL, { context: { business_justification: 'why' } });
    const submitted = sent.at(-1);
    expect(submitted?.headers['idempotency-key']).toMatch(/.{16}/);
    expect(submitted?.body).toEqual({
      ...EVALUATION,
      context: { business_justification: 'why' },
      denial: {
        evaluation_id: 'eval_1',
        evaluated_at: '2026-01-05T09:00:00Z',
        reason: 'approval_required',
        expires_at: '2026-01-05T09:10:00Z',
        binding_token: 'a.b.c',
        template: 'access',
      },
    });
  });

  it('goes nowhere but to the origin of its decision point', async () => {
    const { make, sent } = point({ '/access/v1/requests': task('pending') });
    const astray = {
      ...DENIAL,
      context: {
        ...DENIAL.context,
        access_request: {
          ...DENIAL.context.access_request,
          endpoint: 'https://evil.example/access/v1/requests',
        },
      },
    };
    await expect(make().request(EVALUATION, astray, { context: {} })).rejects.toThrow('endpoint');
    const led = task('pending');
    const away = { task: { ...led.task, status_endpoint: 'https://evil.example/access/v1/requests/arq_1' } };
    await expect(make().wait(away, { timeoutMs: 1_000 })).rejects.toThrow('endpoint');
    expect(new Set(sent.map(({ url }) => new URL(url).origin))).toEqual(new Set([BASE]));
    const other = point({});
    const mixedUp = other.make({ decisionPoint: 'https://pdp.example/tenant' });
    await expect(mixedUp.evaluate(EVALUATION)).rejects.toThrow();
  });

  it('takes nothing for an approval but an approval, and evaluates again even then', async () => {
    const { make, sent } = point({ '/access/v1/evaluation': { decision: true } });
    const enforcing = make();
    for (const answer of [
      task('pending', { result: { mode: 'reevaluate', approval } }),
      task('mostly-approved', { result: { mode: 'reevaluate', approval } }),
      task('approved'),
      task('approved', { result: { mode: 'urn:something:else', approval } }),
      task('approved', { result: { mode: 'reevaluate' } }),
      task('approved', {
        result: { mode: 'reevaluate', approval: { ...approval, approved_until: '2020-01-01T00:00:00Z' } },
      }),
    ])
      expect((await enforcing.reevaluate(EVALUATION, answer)).decision).toBe(false);
    expect(sent).toEqual([]);
    const good = task('approved', { result: { mode: 'reevaluate', approval } });
    expect((await enforcing.reevaluate(EVALUATION, good)).decision).toBe(true);
    expect(sent.at(-1)?.body).toEqual({ ...EVALUATION, context: { approval } });
  });

  it('waits as long as a task is pending, and not on a status it does not know', async () => {
    const { make } = point({ '/access/v1/requests/arq_1': [task('pending'), task('escalated-to-the-moon')] });
    const over = await make().wait(task('pending'), { timeoutMs: 5_000 });
    expect(over.task.status).toBe('escalated-to-the-moon');
    expect((await make().reevaluate(EVALUATION, over)).decision).toBe(false);
  });

  it('asks again no sooner than it is told to, and not beyond the end of a task', async () => {
    const answers = { '/access/v1/requests/arq_1': [task('pending'), task('approved')] };
    const { make, sent } = point(answers, { 'retry-after': '1' });
    const startedMs = performance.now();
    expect((await make().wait(task('pending'), { timeoutMs: 20_000 })).task.status).toBe('approved');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(990);
    const polls = (all: readonly Sent[]) => all.filter(({ url }) => url.endsWith('/arq_1')).length;
    expect(polls(sent)).toBe(2);
    const soon = new Date(Date.now() + 300).toISOString();
    const ending = point({ '/access/v1/requests/arq_1': task('pending') }, { 'retry-after': '60' });
    const pending = task('pending');
    const short = { task: { ...pending.task, expires_at: soon } };
    await expect(ending.make().wait(short, { timeoutMs: 60_000 })).rejects.toThrow('still pending');
    expect(polls(ending.sent)).toBeLessThanOrEqual(1);
  });

  it('does what a denial says is next, and nothing else', async () => {
    const { make, sent } = point({ '/access/v1/requests': task('pending') });
    for (const next_action of ['retry', 'none'])
      await expect(
        make().request(
          EVALUATION,
          { ...DENIAL, context: { ...DENIAL.context, next_action } },
          { context: {} },
        ),
      ).rejects.toThrow('cannot be requested');
    const bare = { decision: false, context: { reason: 'out_of_scope', next_action: 'request' } };
    await expect(make().request(EVALUATION, bare, { context: {} })).rejects.toThrow('cannot be requested');
    expect(sent).toEqual([]);
    const fresh = { ...DENIAL, context: { ...DENIAL.context, next_action: 'request' } };
    expect((await make().request(EVALUATION, fresh, { context: {} })).task.status).toBe('pending');
  });

  it('fails closed where nothing comes that it understands', async () => {
    for (const answer of [{}, { decision: 'true' }, { decision: 1 }, [null]]) {
      const { make } = point({ '/access/v1/evaluation': answer });
      await expect(make().evaluate(EVALUATION)).rejects.toThrow();
    }
    await expect(make404().evaluate(EVALUATION)).rejects.toThrow();
  });

  it('has no token but for what was approved as an execution', async () => {
    const { make } = point({});
    const holderKey = await HolderKey.make();
    const good = task('approved', { result: { mode: 'reevaluate', approval } });
    await expect(make({ holderKey }).executionToken(good)).rejects.toThrow('no approved execution');
  });
});

const make404 = () => point({}).make();
