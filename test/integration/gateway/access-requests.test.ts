import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { webhookSignature } from '../../../src/outbound/standard-webhooks';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
import {
  CONTAINED,
  denialOf,
  JUSTIFIED,
  READ,
  RequestGateway,
  rotation,
  WRITE,
} from './support/request-gateway';

/* The access request profile, section by section, against a gateway with everything real behind it. */

jest.setTimeout(60_000);

const PROBLEM = 'urn:openid:authzen:access-request:error:';
const SECRET = Buffer.from('a shared secret of thirty-two byte').toString('base64');

let gateway: RequestGateway;
let receiver: Server;
const received: { readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
let failures = 0;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.statusCode = failures-- > 0 ? 500 : 204;
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const secretFile = path.join(tmpdir(), `countersign-webhook-${randomUUID()}`);
  writeFileSync(secretFile, `whsec_${SECRET}`);
  gateway = await RequestGateway.start(() => ({
    enforcementPoints: ['service/runner'],
    callbacks: [{ prefix: callbackUrl(), principals: ['ci/payments'], secretFile, allowInternal: true }],
  }));
});
afterAll(async () => {
  await gateway?.stop();
  receiver.close();
});

const callbackUrl = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
const problemOf = (answer: { json: { type: string } }): string => answer.json.type.replace(PROBLEM, '');

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
    await gateway.stage.settled(task);
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
    const { proof } = await gateway.stage.client.submissionOf(task.id);
    const evaluation = expect.stringMatching(/^eval_/);
    expect(decodeJwt(proof.jws)).toMatchObject({ task: { id: task.id, evaluation } });
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

  it('a repeated submission is the same task, also for a gateway that has started again', async () => {
    const body = await gateway.submission('ci/payments', WRITE);
    const key = randomUUID();
    const [first, second] = await Promise.all([
      gateway.submit('ci/payments', body, key),
      gateway.submit('ci/payments', body, key),
    ]);
    expect(first?.status).toBe(202);
    expect(second?.json.task.id).toBe(first?.json.task.id);
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    expect((await gateway.submit('ci/payments', reordered, key)).json.task.id).toBe(first?.json.task.id);
    const other = { ...body, context: { business_justification: 'another reason' } };
    const conflict = await gateway.submit('ci/payments', other, key);
    expect([conflict.status, problemOf(conflict)]).toEqual([409, 'duplicate_request']);
    await gateway.stopGateway();
    await gateway.startGateway();
    expect((await gateway.submit('ci/payments', body, key)).json.task.id).toBe(first?.json.task.id);
    expect(problemOf(await gateway.submit('ci/payments', other, key))).toBe('duplicate_request');
    // The key is the caller's own: the same one of another caller is another.
    expect(problemOf(await gateway.submit('bot/deployer', body, key))).toBe('invalid_denial_binding');
  });

  it('several items are one task, each with a fate of its own', async () => {
    const items = [];
    for (const about of [WRITE, rotation(7)]) {
      const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: about });
      items.push({ resource: about.resource, action: about.action, denial: denialOf(json) });
    }
    const body = { subject: WRITE.subject, items, context: CONTAINED };
    const mixed = await gateway.submit('ci/payments', { ...body, resource: WRITE.resource });
    expect(mixed.status).toBe(400);
    const submitted = await gateway.submit('ci/payments', body);
    expect(submitted.json.task).toMatchObject({
      status: 'pending',
      items: [
        { resource: WRITE.resource, action: WRITE.action, status: 'pending' },
        { resource: rotation(7).resource, action: rotation(7).action, status: 'pending' },
      ],
    });
    const { id } = submitted.json.task;
    const [access, execution] = await gateway.gateway.tasks.requestIds(id);
    // Temporal lists what is open a moment after it is.
    await eventuallyTrue('both requests of the task await mira', async () => {
      const { requests } = (await gateway.as('person/mira', '/v1/awaiting')).json as {
        requests: { id: string }[];
      };
      const listed = new Set(requests.map((one) => one.id));
      return listed.has(access ?? '') && listed.has(execution ?? '');
    });
    await gateway.say('person/mira', 'approve', access ?? '');
    await gateway.say('person/mira', 'deny', execution ?? '');
    const over = await gateway.read('ci/payments', id, 30);
    expect(over.json.task).toMatchObject({
      status: 'partial',
      items: [{ status: 'approved', result: { mode: 'reevaluate' } }, { status: 'denied' }],
    });
    expect(over.json).not.toHaveProperty('result');
  });
});

describe('ARAP Task Status Endpoint, Cancellation', () => {
  it('a task is gone when its time is over, and says so only to its parties', async () => {
    const { json } = await gateway.ask('ci/payments', WRITE);
    gateway.clock.offsetMs = Date.parse(json.task.expires_at) - Date.now() + 60_000;
    const late = await gateway.read('ci/payments', json.task.id);
    const foreign = await gateway.read('agent/atlas', json.task.id);
    gateway.clock.offsetMs = 0;
    expect([late.status, problemOf(late)]).toEqual([410, 'task_expired']);
    expect(problemOf(foreign)).toBe('unknown_task');
  });

  it('whoever has no part in a task learns nothing of it', async () => {
    const { json } = await gateway.ask('ci/payments', WRITE);
    const stranger = await gateway.read('agent/atlas', json.task.id);
    const made = await gateway.read('agent/atlas', `arq_${'x'.repeat(32)}`);
    expect(problemOf(stranger)).toBe('unknown_task');
    expect(stranger.json).toEqual(made.json);
    expect((await gateway.web.call(`/access/v1/requests/${json.task.id}`)).status).toBe(401);
  });

  it('OVR-10 a requester cannot cancel, a process owner can, once', async () => {
    const { json } = await gateway.ask('ci/payments', WRITE);
    const { id } = json.task;
    const cancel = async (who: string, body?: unknown) =>
      gateway.as(who, `/access/v1/requests/${id}/cancel`, {
        method: 'POST',
        ...(body !== undefined && { body }),
      });
    expect((await cancel('ci/payments')).status).toBe(403);
    expect(problemOf(await cancel('agent/atlas'))).toBe('unknown_task');
    expect((await cancel('person/chen')).status).toBe(400);
    const forged = await gateway.statement('person/mira', 'cancel', id);
    const refused = await cancel('person/chen', { 'urn:countersign:statements': [forged] });
    expect([refused.status, refused.json.code]).toEqual([403, 'NOT_GOVERNANCE']);
    const statement = await gateway.statement('person/chen', 'cancel', id);
    const done = await cancel('person/chen', {
      reason: 'duplicate',
      'urn:countersign:statements': [statement],
    });
    expect(done).toMatchObject({ status: 200, json: { task: { status: 'cancelled' } } });
    const again = await cancel('person/chen', { 'urn:countersign:statements': [statement] });
    expect([again.status, problemOf(again)]).toEqual([409, 'invalid_task_state']);
  });
});

describe('ARAP Callback Completion', () => {
  it('tells a registered endpoint, signed, again where it failed', async () => {
    failures = 1;
    const endpoint = `${callbackUrl()}/access`;
    const submitted = await gateway.ask('ci/payments', WRITE, { callback: { endpoint, state: 'flow-1' } });
    expect(submitted.status).toBe(202);
    const { id } = submitted.json.task;
    await gateway.say('person/mira', 'approve', id);
    const [first, second] = await eventually('two tries', async () => {
      const ours = received.filter(({ body }) => body.includes(id));
      return ours.length >= 2 ? ours : undefined;
    });
    expect(JSON.parse(second?.body ?? '')).toEqual({
      state: 'flow-1',
      task: { id, status: 'approved', status_endpoint: `${gateway.url}/access/v1/requests/${id}` },
    });
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    const { 'webhook-id': hook, 'webhook-timestamp': timestamp } = second?.headers ?? {};
    const expected = webhookSignature(
      Buffer.from(SECRET, 'base64'),
      String(hook),
      String(timestamp),
      second?.body ?? '',
    );
    expect(second?.headers['webhook-signature']).toBe(expected);
  });

  it('a gateway that starts again tells what was decided while it was away', async () => {
    const endpoint = `${callbackUrl()}/access`;
    const submitted = await gateway.ask('ci/payments', WRITE, { callback: { endpoint } });
    const { id } = submitted.json.task;
    const statement = await gateway.statement('person/mira', 'deny', id);
    await gateway.stopGateway();
    expect((await gateway.stage.client.sendStatement(id, statement)).accepted).toBe(true);
    await gateway.startGateway();
    const told = await eventually('the callback', async () => received.find(({ body }) => body.includes(id)));
    expect(JSON.parse(told.body)).toMatchObject({ task: { id, status: 'denied' } });
    // It is owed no longer once it is taken.
    await eventuallyTrue('nothing is owed', async () => {
      const rows = await gateway.stage.postgres.query(
        'SELECT 1 FROM countersign.callback WHERE task_id = $1',
        [id],
      );
      return rows.length === 0;
    });
    expect(received.filter(({ body }) => body.includes(id))).toHaveLength(1);
  });

  it('is asked for only where the caller is known to be', async () => {
    for (const endpoint of [
      'http://127.0.0.1:1/hooks',
      'http://169.254.169.254/latest/meta-data',
      'https://localhost/hooks',
      callbackUrl().replace('/hooks', '/other'),
      callbackUrl().replace('/hooks', '/hooks/../other'),
      callbackUrl().replace('127.0.0.1', 'user:secret@127.0.0.1'),
    ])
      expect((await gateway.ask('ci/payments', WRITE, { callback: { endpoint } })).status).toBe(400);
  });
});

describe('ARAP Delegation and On-Behalf-Of', () => {
  it('a chain is believed only as far as the token says it', async () => {
    const claimed = (actor: object) => gateway.ask('ci/payments', WRITE, { client: { actor } });
    expect((await claimed({ id: 'agent/atlas' })).status).toBe(403);
    const chain = { id: 'ci/payments', act: { sub: 'person/ines', iss: 'directory' } };
    expect((await claimed(chain)).status).toBe(403);
    expect((await claimed({ id: 'ci/payments', issuer: 'directory' })).status).toBe(202);
  });

  it('nobody asks about others but those who answer for them, and those who enforce', async () => {
    const evaluate = (who: string) =>
      gateway.as(who, '/access/v1/evaluation', { body: READ }).then(({ json }) => json);
    expect(await evaluate('agent/atlas')).toMatchObject({ decision: true });
    expect(await evaluate('service/runner')).toMatchObject({ decision: true });
    expect(await evaluate('bot/deployer')).toMatchObject({
      decision: false,
      context: { reason: 'subject_not_authorised' },
    });
  });
});
