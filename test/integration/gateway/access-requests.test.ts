import { decodeJwt } from 'jose';
import { jwsOf } from '../../support/signing/jws';
import { taskCases } from './cases/tasks';
import { CallbackReceiver } from './support/callback-receiver';
import {
  CONTAINED,
  denialOf,
  JUSTIFIED,
  problemOf,
  RequestGateway,
  rotation,
  WRITE,
} from './support/request-gateway';

/* The access request profile, section by section, against a gateway with everything real behind it. */

jest.setTimeout(60_000);

let gateway: RequestGateway;
let receiver: CallbackReceiver;

beforeAll(async () => {
  receiver = await CallbackReceiver.start();
  const { url: prefix, secretFile } = receiver;
  gateway = await RequestGateway.start(() => ({
    enforcementPoints: ['service/runner'],
    callbacks: [{ prefix, principals: ['ci/payments'], secretFile, allowInternal: true }],
  }));
});
afterAll(async () => {
  await gateway?.stop();
  receiver?.stop();
});

describe('ARAP Discovery, Requestable Denial Context', () => {
  it('a denial that people could turn says so, with a signed and expiring binding', async () => {
    const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: WRITE });
    expect(json).toMatchObject({
      decision: false,
      context: {
        reason: 'approval_required',
        evaluation_id: expect.stringMatching(/^eval_/),
        evaluated_at: expect.any(String),
        access_request: {
          endpoint: `${gateway.url}/access/v1/requests`,
          template: 'access',
          binding_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
          request_schema_url: `${gateway.url}/access/v1/schemas/access`,
        },
      },
    });
    const leftMs = Date.parse(json.context.access_request.expires_at) - Date.now();
    expect(leftMs).toBeGreaterThan(500_000);
    expect(leftMs).toBeLessThanOrEqual(600_000);
  });

  it('APB-1, APB-7 a denial that nobody can turn does not, and names the safe way', async () => {
    const disable = { ...WRITE, action: { name: 'disable' }, resource: { type: 'identity', id: 'mfa' } };
    const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: disable });
    expect(json).toMatchObject({ decision: false, context: { reason: 'control_weakening' } });
    expect(json.context.safe_way).toMatch(/security key/);
    expect(json.context).not.toHaveProperty('access_request');
  });

  it('a form describes what a request adds, and a catalog what can be chosen', async () => {
    const form = await gateway.as('ci/payments', '/access/v1/schemas/execution');
    expect(form.json.properties.context.required).toContain('urn:countersign:rollback');
    expect((await gateway.as('ci/payments', '/access/v1/schemas/whatever')).status).toBe(404);
    const outage = {
      subject: { type: 'person', id: 'ravi' },
      action: { name: 'admin' },
      resource: { type: 'warehouse', id: 'payments' },
      context: { ticket: 'INC-1' },
    };
    const { json: denial } = await gateway.as('person/ravi', '/access/v1/evaluation', { body: outage });
    const { request_catalogs_url: catalogs } = denial.context.access_request;
    if (catalogs === undefined) throw new Error(JSON.stringify(denial));
    const document = await gateway.as('person/ravi', catalogs.replace(gateway.url, ''));
    const [[pointer, reference]] = Object.entries<{ endpoint: string }>(document.json.fields) as [
      [string, { endpoint: string }],
    ];
    expect(pointer).toBe('/requested_access/urn:countersign:emergency_condition');
    const address = reference.endpoint.replace(gateway.url, '');
    const items = await gateway.as('person/ravi', address);
    expect(items.json.items).toEqual([expect.objectContaining({ value: 'production-outage' })]);
    expect((await gateway.as('person/ravi', `${address}&q=nothing`)).json.items).toEqual([]);
    expect((await gateway.as('person/ravi', `${address}&q=outage&limit=1&cursor=x&other=1`)).json).toEqual(
      items.json,
    );
    // Others learn nothing from it.
    expect((await gateway.as('person/jonas', address)).json.items).toEqual([]);
    expect((await gateway.web.call(address)).status).toBe(401);
    const invented = await gateway.submit('person/ravi', {
      ...outage,
      context: { ...outage.context, ...JUSTIFIED },
      denial: denialOf(denial),
      requested_access: { emergency: true, 'urn:countersign:emergency_condition': 'made-up' },
    });
    expect(invented.status).toBe(400);
  });
});

describe('ARAP Access Request Submission, Response, Completion', () => {
  it('TTA-6 waits for people, and then for one more evaluation', async () => {
    const submitted = await gateway.ask('ci/payments', WRITE);
    expect(submitted.status).toBe(202);
    const { task } = submitted.json;
    expect(submitted.headers['location']).toBe(task.status_endpoint);
    expect(task).toMatchObject({
      id: expect.stringMatching(/^arq_[\w-]{32}$/),
      status: 'pending',
      links: { cancel: `${task.status_endpoint}/cancel` },
    });
    await gateway.harness.cast.settled(task);
    const waiting = gateway.read('ci/payments', task.id, 30);
    const early = await gateway.read('ci/payments', task.id);
    expect(early.json.task).toMatchObject({
      status: 'pending',
      progress: { current_step: 1, total_steps: 1 },
    });
    expect(early.text).not.toMatch(/mira|tomas/);
    expect(early.headers['retry-after']).toBe('5');
    expect((await gateway.say('person/mira', 'approve', task.id)).json.accepted).toBe(true);
    const { json: approved } = await waiting;
    expect(approved).toMatchObject({
      task: { status: 'approved' },
      result: {
        mode: 'reevaluate',
        approval: { id: expect.stringMatching(/^apr_/), state: expect.any(String) },
      },
    });
    const { approval } = approved.result;
    // The denial it answers is on the record of the request, and in the approval.
    const { proof } = await gateway.harness.client.submissionOf(task.id);
    const evaluation = expect.stringMatching(/^eval_/);
    expect(decodeJwt(jwsOf(proof))).toMatchObject({ task: { id: task.id, evaluation } });
    expect(decodeJwt(approval.state)).toMatchObject({ evaluation_id: evaluation, approval_id: approval.id });
    const again = await gateway.read('ci/payments', task.id);
    expect(again.json.result.approval).toEqual(approval);

    const evaluate = (context: object, about: object = WRITE, who = 'ci/payments') =>
      gateway.as(who, '/access/v1/evaluation', { body: { ...about, context } }).then(({ json }) => json);
    // The approval alone is nothing; with the evaluation it is something, for as long as it holds.
    expect(await evaluate({})).toMatchObject({ decision: false, context: { reason: 'approval_required' } });
    expect(await evaluate({ approval, time: 'now' })).toEqual({
      decision: true,
      context: { approval: { id: approval.id, approved_until: approval.approved_until } },
    });
    const elsewhere = { ...WRITE, action: { name: 'admin' } };
    const wider = { ...WRITE, resource: { ...WRITE.resource, properties: { all: true } } };
    for (const about of [wider])
      expect(await evaluate({ approval }, about)).toMatchObject({
        decision: false,
        context: { reason: 'out_of_scope', next_action: 'request', access_request: expect.anything() },
      });
    expect(await evaluate({ approval, ticket: 'OPS-1' })).toMatchObject({
      context: { reason: 'out_of_scope' },
    });
    expect(await evaluate({ approval }, elsewhere)).toMatchObject({
      decision: false,
      context: { reason: 'out_of_scope', next_action: 'none' },
    });
    for (const broken of [
      { ...approval, id: 'apr_of_another_request' },
      { ...approval, state: `${approval.state}x` },
      { id: approval.id },
      'apr',
    ])
      expect(await evaluate({ approval: broken })).toMatchObject({
        decision: false,
        context: { reason: 'approval_unverifiable', next_action: 'none' },
      });
    // Revoked before its time, it is over at once.
    expect((await gateway.say('person/mira', 'revoke', task.id)).json.accepted).toBe(true);
    expect(await evaluate({ approval })).toMatchObject({
      decision: false,
      context: { reason: 'approval_expired', next_action: 'request', access_request: expect.anything() },
    });
    expect((await gateway.read('ci/payments', task.id)).json.task.status).toBe('approved');
  });

  it('FRI-1 is answered at once where policy alone decides', async () => {
    const inspect = {
      ...rotation(1),
      action: { ...rotation(1).action, name: 'inspect' },
      resource: { type: 'changes', id: 'compute-fleet' },
    };
    const requested_until = new Date(Date.now() + 300_000).toISOString();
    const answer = await gateway.ask('ci/payments', inspect, {
      context: CONTAINED,
      requested_access: { requested_until },
    });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      task: { status: 'approved' },
      result: { mode: 'urn:countersign:result-mode:execution-token' },
    });
    const denied = await gateway.ask('ci/payments', inspect, {
      context: CONTAINED,
      requested_access: { requested_until: new Date(Date.now() + 86_400_000).toISOString() },
    });
    expect(denied).toMatchObject({ status: 201, json: { task: { status: 'denied' } } });
    expect(denied.json).not.toHaveProperty('result');
  });

  it('says in words of the profile how else it ends', async () => {
    const denied = await gateway.ask('ci/payments', WRITE);
    await gateway.say('person/mira', 'deny', denied.json.task.id);
    const over = await gateway.read('ci/payments', denied.json.task.id, 30);
    expect(over.json).toMatchObject({ task: { status: 'denied' } });
    expect(over.json).not.toHaveProperty('result');
  });

  it('is refused with the problem that the profile has for it', async () => {
    const good = () => gateway.submission('ci/payments', WRITE);
    const without = async (name: string) => {
      const { [name]: _left, ...rest } = await good();
      return gateway.submit('ci/payments', rest);
    };
    expect(problemOf(await without('denial'))).toBe('invalid_denial_binding');
    const { denial, ...body } = await good();
    const said = (changes: object) =>
      gateway.submit('ci/payments', { ...body, denial: { ...(denial as object), ...changes } });
    for (const changes of [
      { binding_token: undefined },
      { binding_token: 'a.b.c' },
      { evaluation_id: 'eval_of_another' },
      { expires_at: new Date(Date.now() + 3_600_000).toISOString() },
    ]) {
      const answer = await said(changes);
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(problemOf(answer)).toBe('invalid_denial_binding');
    }
    const swapped = { ...body, denial, action: { name: 'admin' } };
    expect(problemOf(await gateway.submit('ci/payments', swapped))).toBe('invalid_denial_binding');
    const stolen = await gateway.submit('bot/deployer', { ...body, denial });
    expect(problemOf(stolen)).toBe('invalid_denial_binding');
    expect((await gateway.submit('ci/payments', { ...body, denial, context: {} })).status).toBe(400);
    // None of that used the denial up; what uses it is the request that is taken in, and it does so once.
    expect((await gateway.submit('ci/payments', { ...body, denial })).status).toBe(202);
    expect(problemOf(await gateway.submit('ci/payments', { ...body, denial }))).toBe(
      'invalid_denial_binding',
    );
  });

  it('a denial is good for ten minutes and half a minute of skew', async () => {
    const body = await gateway.submission('ci/payments', WRITE);
    gateway.clock.offsetMs = 631_000;
    const late = await gateway.submit('ci/payments', body);
    expect([late.status, problemOf(late)]).toEqual([410, 'expired_denial']);
    gateway.clock.offsetMs = 620_000;
    const inTime = await gateway.submit('ci/payments', body);
    gateway.clock.offsetMs = 0;
    // The submission is dated ahead of the worker's clock by then; what counts here is that the denial was good.
    expect(inTime.status).toBeLessThan(300);
  });
});

taskCases(() => ({ gateway, receiver }));
