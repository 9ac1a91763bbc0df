import path from 'node:path';
import { connect } from 'node:tls';
import { compactVerify, createLocalJWKSet, decodeJwt } from 'jose';
import {
  admin,
  alice,
  archived,
  bob,
  context,
  read,
  record1,
  record2,
  write,
} from './cases/certification-fixture';
import { searchCases } from './cases/search';
import { DecisionGateway } from './support/decision-gateway';
import type { Answer } from './support/http';

/* The certification scenario of AuthZEN Authorization API 1.0, test by test, against a gateway that runs. */

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');
const fixtureRequest = { subject: alice, action: read, resource: record1 };

let gateway: DecisionGateway;
let authorization: string;

beforeAll(async () => {
  gateway = await DecisionGateway.start(FIXTURE, ['service/harness'], () => ({
    enforcementPoints: ['service/harness'],
  }));
  authorization = `Bearer ${await gateway.token('service/harness')}`;
});
afterAll(() => gateway.stop());

const post = (address: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  gateway.web.call(address, { body, headers: { authorization, ...headers } });
const evaluate = (body: unknown, headers?: Record<string, string>) =>
  post('/access/v1/evaluation', body, headers);
const evaluations = (body: unknown) => post('/access/v1/evaluations', body);
const raw = (content: string, type = 'application/json') =>
  gateway.web.call('/access/v1/evaluation', {
    raw: content,
    headers: { authorization, 'content-type': type },
  });

describe('c-2 Basic', () => {
  it.each([
    ['c-2-2-1 alice reads', fixtureRequest, true],
    ['rule 2 alice writes', { subject: alice, action: write, resource: record1 }, true],
    ['rule 3 bob reads', { subject: bob, action: read, resource: record1 }, true],
    ['c-2-2-2 bob writes', { subject: bob, action: write, resource: record1 }, false],
    ['c-2-2-3 with a context', { ...fixtureRequest, context }, true],
    ['c-2-2-4 deny by resource properties', { subject: alice, action: write, resource: archived }, false],
    ['c-2-2-5 permit by subject properties', { subject: admin, action: write, resource: archived }, true],
    [
      'c-2-2-6 permit by action properties',
      { subject: alice, action: { name: 'delete', properties: { soft: true } }, resource: record1 },
      true,
    ],
    [
      'c-2-2-7 deny by action properties',
      { subject: alice, action: { name: 'delete', properties: { soft: false } }, resource: record1 },
      false,
    ],
    [
      'c-2-2-8 additional properties',
      {
        subject: { ...alice, properties: { department: 'Sales', role: 'manager' } },
        action: { ...read, properties: { method: 'GET' } },
        resource: { ...record1, properties: { status: 'active', owner: 'bob' } },
      },
      true,
    ],
    ['c-2-2-9 unknown fields', { ...fixtureRequest, foo: 'bar', futureField: { nested: true } }, true],
  ])('%s', async (_name, body, decision) => {
    const answer = await evaluate(body);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json.decision).toBe(decision);
    expect(['undefined', 'object']).toContain(typeof answer.json.context);
  });

  it.each([
    ['c-2-4-1 no subject', { action: read, resource: record1 }],
    ['c-2-4-1 no action', { subject: alice, resource: record1 }],
    ['c-2-4-1 no resource', { subject: alice, action: read }],
    ['c-2-4-2 subject without type', { ...fixtureRequest, subject: { id: 'alice' } }],
    ['c-2-4-2 subject without id', { ...fixtureRequest, subject: { type: 'user' } }],
    ['c-2-4-2 action without name', { ...fixtureRequest, action: {} }],
    ['c-2-4-2 resource without type', { ...fixtureRequest, resource: { id: 'record-1' } }],
    ['c-2-4-2 resource without id', { ...fixtureRequest, resource: { type: 'record' } }],
    ['c-2-4-6 subject is text', { ...fixtureRequest, subject: 'alice' }],
    ['c-2-4-6 name is a number', { ...fixtureRequest, action: { name: 123 } }],
  ])('%s is a 400', async (_name, body) => {
    expect((await evaluate(body)).status).toBe(400);
  });

  it('c-2-4-3, c-2-4-4, c-2-4-5 another content type, malformed and empty bodies are a 400', async () => {
    expect((await raw(JSON.stringify(fixtureRequest), 'text/plain')).status).toBe(400);
    expect((await raw('{"subject": {')).status).toBe(400);
    expect((await raw('')).status).toBe(400);
  });

  it('c-2-5 the request id comes back, and one is made where there is none', async () => {
    const answer = await evaluate(fixtureRequest, { 'x-request-id': 'bfe9eb29-ab87' });
    expect(answer.headers['x-request-id']).toBe('bfe9eb29-ab87');
    expect((await evaluate(fixtureRequest)).headers['x-request-id']).toMatch(/.+/);
  });

  it('c-2-6 asked again and again, it answers the same', async () => {
    for (let times = 0; times < 5; times += 1)
      expect((await evaluate(fixtureRequest)).json.decision).toBe(true);
  });
});

describe('c-3 Batch', () => {
  const decisions = (answer: Answer): boolean[] =>
    answer.json.evaluations.map((one: { decision: boolean }) => one.decision);

  it('c-3-2-1, c-3-3 an array of decisions, in order, and none at the top', async () => {
    const answer = await evaluations({
      subject: alice,
      action: read,
      evaluations: [{ resource: record1 }, { resource: record2 }],
    });
    expect(answer.status).toBe(200);
    expect(decisions(answer).map((one) => typeof one)).toEqual(['boolean', 'boolean']);
    expect(answer.json).not.toHaveProperty('decision');
  });

  it.each([
    [
      'c-3-2-2',
      { subject: bob, resource: record1, evaluations: [{ action: read }, { action: write }] },
      [true, false],
    ],
    [
      'c-3-2-3',
      {
        subject: alice,
        action: write,
        evaluations: [{ resource: { ...record1, properties: { status: 'active' } } }, { resource: archived }],
      },
      [true, false],
    ],
    [
      'c-3-2-4',
      { action: write, resource: archived, evaluations: [{ subject: alice }, { subject: admin }] },
      [false, true],
    ],
    [
      'c-3-2-5 no defaults',
      { evaluations: [fixtureRequest, { subject: bob, action: write, resource: record1 }] },
      [true, false],
    ],
    [
      'c-3-2-6 defaults of the context',
      {
        subject: alice,
        action: read,
        context: { time: '2025-06-27T18:03-07:00' },
        evaluations: [
          { resource: record1 },
          { resource: record2, context: { time: '2025-06-27T19:00-07:00', source: 'batch-override' } },
        ],
      },
      [true, true],
    ],
    [
      'c-3-2-7 whole objects override',
      {
        subject: alice,
        action: write,
        resource: { ...record1, properties: { status: 'active' } },
        evaluations: [{}, { resource: archived }],
      },
      [true, false],
    ],
  ])('%s', async (_name, body, expected) => {
    expect(decisions(await evaluations(body))).toEqual(expected);
  });

  it('c-3-4-1 an item that is not whole is a denial of its own', async () => {
    const answer = await evaluations({
      subject: alice,
      action: read,
      options: { evaluations_semantic: 'execute_all' },
      evaluations: [{ resource: record1 }, {}, { resource: 'text' }],
    });
    expect(answer.status).toBe(200);
    expect(decisions(answer)).toEqual([true, false, false]);
  });

  it('c-3-4-2, c-3-4-3 without evaluations it is a single one', async () => {
    expect((await evaluations(fixtureRequest)).json).toMatchObject({ decision: true });
    expect((await evaluations({ ...fixtureRequest, evaluations: [] })).json).toMatchObject({
      decision: true,
    });
    expect((await evaluations({ subject: alice })).status).toBe(400);
  });

  it('short circuits where it is told to (AuthZEN "Evaluations semantics")', async () => {
    const items = [{ action: read }, { action: write }, { action: read }];
    const by = (evaluations_semantic: string) =>
      evaluations({ subject: bob, resource: record1, evaluations: items, options: { evaluations_semantic } });
    expect(decisions(await by('deny_on_first_deny'))).toEqual([true, false]);
    expect(decisions(await by('permit_on_first_permit'))).toEqual([true]);
    expect((await by('whatever')).status).toBe(400);
  });
});

searchCases(() => ({ post }));

describe('c-5, c-6 Transport and discovery', () => {
  it('c-6 says where everything is, over https, to anyone', async () => {
    const answer = await gateway.web.call('/.well-known/authzen-configuration');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    const { policy_decision_point: base, signed_metadata: signed, capabilities, ...endpoints } = answer.json;
    expect(base).toBe(gateway.web.base);
    expect(Object.keys(endpoints).sort()).toEqual([
      'access_evaluation_endpoint',
      'access_evaluations_endpoint',
      'access_request_endpoint',
      'jwks_uri',
      'search_action_endpoint',
      'search_resource_endpoint',
      'search_subject_endpoint',
    ]);
    for (const endpoint of Object.values(endpoints)) expect(endpoint).toMatch(/^https:/);
    expect(capabilities).toEqual(['urn:openid:authzen:capability:access-request']);
    const { json: jwks } = await gateway.web.call('/access/v1/jwks');
    expect(jwks.keys[0]).toMatchObject({ use: 'sig', kid: expect.any(String) });
    await compactVerify(signed, createLocalJWKSet(jwks));
    expect(decodeJwt(signed)).toMatchObject({ iss: base, ...endpoints });
    expect(decodeJwt(signed)).not.toHaveProperty('signed_metadata');
  });

  it('is served by TLS 1.2 at least', async () => {
    const { hostname, port } = new URL(gateway.web.base);
    const meet = (version: 'TLSv1.1' | 'TLSv1.2'): Promise<string> =>
      new Promise((resolve) => {
        const options = {
          host: hostname,
          port: Number(port),
          rejectUnauthorized: false,
          ciphers: 'ALL:@SECLEVEL=0',
        };
        const socket = connect({ ...options, minVersion: 'TLSv1.1', maxVersion: version }, () => {
          resolve(socket.getProtocol() ?? 'none');
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });
    expect(await meet('TLSv1.2')).toBe('TLSv1.2');
    expect(await meet('TLSv1.1')).toBe('refused');
  });

  it('describes itself by OpenAPI 3.1, every address it has', async () => {
    const { status, json } = await gateway.web.call('/openapi.json');
    expect([status, json.openapi]).toEqual([200, '3.1.0']);
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining([
        '/access/v1/evaluation',
        '/access/v1/requests/{id}',
        '/v1/execution-tokens/redeem',
      ]),
    );
    const { requestBody } = json.paths['/access/v1/evaluation'].post;
    expect(requestBody.content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/EvaluationRequest',
    });
    expect(json.components.schemas.EvaluationRequest.required).toEqual(['subject', 'action', 'resource']);
    expect((await gateway.web.call('/access/v1/evaluation', { method: 'DELETE' })).status).toBe(405);
    expect((await gateway.web.call('/nowhere')).status).toBe(404);
  });

  it('FRI-1 decides with no workflow and no database behind it, and says that it has none', async () => {
    expect((await gateway.web.call('/health')).status).toBe(200);
    expect((await gateway.web.call('/ready')).status).toBe(503);
    expect((await evaluate(fixtureRequest)).json.decision).toBe(true);
  });
});
