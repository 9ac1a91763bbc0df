import { randomUUID } from 'node:crypto';
import { historyToPlain } from '../../../src/audit/evidence/history';
import { METRICS } from '../../../src/telemetry/catalogue';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
import type { ReceivedSpan } from '../../support/telemetry/otlp-receiver';
import { scrape, total } from '../../support/telemetry/scrape';
import { WatchedStack } from '../../support/telemetry/watched-stack';
import { actionOf, CONTAINED, denialOf, JUSTIFIED, rotation, WRITE } from '../gateway/support/evaluations';
import { Holder } from '../gateway/support/tokens';

jest.setTimeout(180_000);

const CALLER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const STRANGER_TRACE = '11112222333344445555666677778888';
const CALLER_SPAN = '00f067aa0ba902b7';

let stack: WatchedStack;
let carried: string;
let execution: string;
const byCommand = randomUUID();

beforeAll(async () => {
  stack = await WatchedStack.start();
  await liveThroughEverything();
}, 300_000);
afterAll(() => stack?.stop());

/** What people, agents and pipelines do in a day, over each way in, and some of what goes wrong. */
async function liveThroughEverything(): Promise<void> {
  const { harness } = stack;
  const file = stack.file('request.json', {
    id: byCommand,
    requester: 'agent/atlas',
    entitlement: 'warehouse:reporting#read',
    duration: '2s',
    reason: 'a test',
  });
  expect(await stack.command('request', 'submit', file, '--wait')).toBe(0);
  await harness.cast.over({ ...harness.cast.compose(READ), id: byCommand });

  carried = await ask(WRITE, { context: JUSTIFIED });
  expect(await stack.command('approve', carried, '--as', 'person/ines', '--yes')).toBe(1);
  expect(await stack.command('approve', carried, '--as', 'person/mira', '--yes')).toBe(0);
  await harness.cast.until(
    { ...harness.cast.compose(READ), id: carried },
    ({ status }) => status === 'active',
  );
  expect(await stack.command('revoke', carried, '--as', 'person/mira')).toBe(0);

  const { action } = rotation(7);
  execution = await ask({ ...WRITE, action, resource: rotation(7).resource }, { context: CONTAINED });
  expect(await stack.command('approve', execution, '--as', 'person/mira', '--yes')).toBe(0);
  await useToken();

  const stranger = {
    authorization: 'Bearer not-a-token',
    traceparent: `00-${STRANGER_TRACE}-${CALLER_SPAN}-01`,
  };
  await stack.web.call('/access/v1/evaluation', { body: WRITE, headers: stranger });
  await stack.as('person/mira', `/v1/requests/${randomUUID()}`);
  await Promise.all([
    stack.command('doctor'),
    stack.command('approve', carried, '--as', 'person/mira', '--key', '/nowhere/key.jwk'),
  ]);
  harness.postgres.halt();
  await eventuallyTrue('the worker misses its target', async () =>
    (stack.said().get('worker') ?? '').includes('could not be reconciled'),
  );
  await stack.as('ci/payments', '/v1/execution-tokens', { request: execution });
  harness.postgres.restart();
}

const READ = { requester: 'agent/atlas', entitlement: 'warehouse:reporting#read' } as const;

/** Asks as a pipeline does that was denied, within a trace of its own. */
async function ask(evaluation: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>>) {
  const { json } = await stack.as('ci/payments', '/access/v1/evaluation', evaluation);
  const body = { ...evaluation, ...more, denial: denialOf(json) };
  const answer = await stack.as('ci/payments', '/access/v1/requests', body, {
    'idempotency-key': randomUUID(),
    traceparent: `00-${CALLER_TRACE}-${CALLER_SPAN}-01`,
  });
  if (answer.json?.task === undefined) throw new Error(answer.text);
  await stack.as('ci/payments', `/access/v1/requests/${answer.json.task.id}`, undefined, {
    prefer: 'wait=5',
  });
  return answer.json.task.id as string;
}

/** Has a token released, uses it, and tries to use it again. */
async function useToken(): Promise<void> {
  const holder = await Holder.make();
  const url = `${stack.web.base}/v1/execution-tokens`;
  const authorization = await stack.token('ci/payments');
  const dpop = await holder.proof('POST', url, authorization);
  const released = await eventually('a token', async () => {
    const answer = await stack.web.call('/v1/execution-tokens', {
      body: { request: execution },
      headers: { authorization: `Bearer ${authorization}`, dpop },
    });
    return answer.status === 200 ? answer.json : undefined;
  });
  stack.secret('execution token', released.token);
  for (const status of [200, 409]) {
    const holder_proof = await holder.proof('POST', `${url}/redeem`, released.token);
    const body = { token: released.token, holder_proof, action: actionOf(rotation(7)) };
    expect((await stack.as('service/runner', '/v1/execution-tokens/redeem', body)).status).toBe(status);
  }
}

describe('FRI-4 metrics of worker and gateway', () => {
  test('count each thing that happened once, from what is recorded', async () => {
    const worker = await eventually('the end of the grants', async () => {
      const series = await scrape(stack.metricsUrl('worker'));
      return total(series, 'countersign_leases_ended_total') >= 2 ? series : undefined;
    });
    const count = (name: keyof typeof METRICS, labels = {}) => total(worker, name, labels);
    expect(count('countersign_requests_assessed_total')).toBe(3);
    expect(count('countersign_requests_decided_total', { decision: 'permitted', lane: 'policy' })).toBe(1);
    expect(count('countersign_requests_decided_total', { decision: 'approved', lane: 'approval' })).toBe(2);
    expect(total(worker, 'countersign_time_to_decision_seconds_count')).toBe(3);
    expect(total(worker, 'countersign_decision_to_grant_seconds_count')).toBe(3);
    expect(count('countersign_statements_total', { verb: 'approve', result: 'accepted' })).toBe(2);
    expect(count('countersign_statements_total', { verb: 'approve', result: 'refused' })).toBe(1);
    expect(count('countersign_refusals_total')).toBe(1);
    expect(count('countersign_leases_ended_total', { cause: 'revoked', connector: 'warehouse' })).toBe(1);
    expect(count('countersign_leases_ended_total', { cause: 'expired', connector: 'warehouse' })).toBe(1);
    expect(count('countersign_reconciler_looks_total', { result: 'failed' })).toBeGreaterThan(0);
    expect(count('countersign_ledger_errors_total')).toBe(0);

    const gateway = await scrape(stack.metricsUrl('gateway'));
    expect(total(gateway, 'countersign_evaluations_total', { decision: 'requestable' })).toBe(2);
    expect(total(gateway, 'countersign_evaluation_duration_seconds_count')).toBe(2);
    expect(total(gateway, 'countersign_redemptions_total', { result: 'redeemed' })).toBe(1);
    expect(total(gateway, 'countersign_redemptions_total', { result: 'REPLAYED' })).toBe(1);
    const routes = { http_route: '/access/v1/evaluation', http_response_status_code: '401' };
    expect(total(gateway, 'http_server_request_duration_seconds_count', routes)).toBe(1);

    const temporal = await scrape(stack.metricsUrl('temporal'));
    expect(total(temporal, 'temporal_worker_start_total')).toBeGreaterThan(0);
  });

  test('have only the labels and values that are listed, whatever callers wrote', async () => {
    for (const program of ['worker', 'gateway'] as const)
      for (const { name, labels } of await scrape(stack.metricsUrl(program))) {
        const base = name.replace(/_(?:bucket|sum|count)$/, '');
        const spec = Object.entries(METRICS).find(([one]) => one === name || one === base)?.[1];
        if (name === 'target_info') continue;
        expect([name, spec?.from]).toEqual([name, program]);
        const names = Object.keys(labels).filter((label) => label !== 'le');
        expect([name, ...names.sort()]).toEqual([name, ...Object.keys(spec?.labels ?? {}).sort()]);
      }
  });

  test('are not counted again where a worker takes a request over and replays it', async () => {
    expect(await stack.end('worker')).toBe(0);
    await stack.startWorker();
    const { status } = await eventually('an answer', () =>
      stack.harness.client.get(execution).catch(() => undefined),
    );
    expect(status).toBe('active');
    const series = await scrape(stack.metricsUrl('worker'));
    expect(total(series, 'countersign_requests_decided_total')).toBe(0);
    expect(total(series, 'countersign_statements_total')).toBe(0);
    expect(total(series, 'countersign_reconciler_looks_total')).toBeGreaterThan(0);
  });
});

describe('FRI-4 traces', () => {
  const requestOf = ({ attributes }: ReceivedSpan) =>
    attributes.find(({ key }) => key === 'countersign.request.id')?.value['stringValue'];
  const trace = async (request: string, ...names: readonly string[]) =>
    eventually(`${names} of ${request}`, async () => {
      const start = stack.otlp.spans.find(
        (span) => span.name === 'start accessRequest' && requestOf(span) === request,
      );
      const spans = stack.otlp.spans.filter(({ traceId }) => traceId === start?.traceId);
      return start !== undefined && names.every((name) => spans.some((one) => one.name === name))
        ? { start, spans }
        : undefined;
    });

  test('go from the command line through the workflow to its activities', async () => {
    const activities = ['activity assess', 'activity provision', 'activity endAccess'];
    const { start, spans } = await trace(byCommand, ...activities, 'workflow accessRequest');
    expect(start.service).toBe('countersign-client');
    for (const span of spans.filter(({ name }) => /^(?:activity|workflow) /.test(name)))
      expect(span).toMatchObject({ service: 'countersign-worker', parentSpanId: start.spanId });
  });

  test('go on from the caller of the gateway, who has shown who they are', async () => {
    const { start, spans } = await trace(carried, 'POST /access/v1/requests', 'activity assess');
    expect(start).toMatchObject({ service: 'countersign-gateway', traceId: CALLER_TRACE });
    const call = spans.find(({ spanId }) => spanId === start.parentSpanId);
    expect(call).toMatchObject({ name: 'POST /access/v1/requests', parentSpanId: CALLER_SPAN });
  });

  test('are not taken over from one who has not', () => {
    const services = new Set(stack.otlp.spans.map(({ service }) => service));
    expect([...services].sort()).toEqual(['countersign-client', 'countersign-gateway', 'countersign-worker']);
    expect(stack.otlp.spans.filter(({ traceId }) => traceId === STRANGER_TRACE)).toEqual([]);
  });
});

describe('FRI-3 secrets', () => {
  /** Everything that anybody can read of what was done here. */
  async function everything(): Promise<ReadonlyMap<string, string>> {
    const { temporal } = stack.harness;
    const heard = new Map(stack.said());
    for await (const { workflowId, runId } of temporal.workflow.list()) {
      const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      const payloads = (history.events ?? []).map((event) =>
        JSON.stringify(historyToPlain({ events: [event] })),
      );
      heard.set(`history ${workflowId} ${runId}`, [...payloads, ...decoded(payloads)].join('\n'));
    }
    for (const name of ['worker', 'gateway', 'temporal'] as const)
      heard.set(`metrics of ${name}`, await (await fetch(stack.metricsUrl(name))).text());
    heard.set('traces', stack.otlp.bodies.join('\n'));
    return heard;
  }

  /** What stands in base64 in a history, in clear. */
  const decoded = (texts: readonly string[]) =>
    texts.flatMap((text) =>
      [...text.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)].map(([, data = '']) =>
        Buffer.from(data, 'base64').toString('utf8'),
      ),
    );

  const found = (heard: ReadonlyMap<string, string>) =>
    [...stack.secrets].flatMap(([what, secret]) =>
      [...heard].flatMap(([where, text]) =>
        [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')].some((form) =>
          text.includes(form),
        )
          ? [`${what} in ${where}`]
          : [],
      ),
    );

  test('no log line, output, history, metric or trace holds one', async () => {
    const heard = await everything();
    expect([...stack.secrets.keys()]).toEqual(
      expect.arrayContaining([
        'webhook secret',
        'password of the ledger',
        'execution token',
        'webhook token',
      ]),
    );
    // All of them have spoken, and what they said can be read.
    expect(heard.get('worker')).toContain('reconciler started');
    expect(heard.get('gateway')).toContain('gateway ready');
    expect(heard.get('command approve')).toContain('CONFLICTED');
    expect(heard.get('traces')).toContain(byCommand);
    const histories = [...heard].filter(([where]) => where.startsWith('history access-request/'));
    expect(histories.length).toBe(3);
    for (const [, text] of histories) expect(text).toContain('"requester"');
    expect(found(heard)).toEqual([]);
    // The search would find one.
    const [[what = '', secret = '']] = [...stack.secrets] as [[string, string]];
    expect(found(new Map([['a log', `{"url":"x${secret}y"}`]]))).toEqual([`${what} in a log`]);
  });
});
