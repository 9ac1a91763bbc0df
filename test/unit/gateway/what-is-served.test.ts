import path from 'node:path';
import { DecisionGateway } from '../../integration/gateway/support/decision-gateway';

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');
const QUESTION = {
  subject: { type: 'user', id: 'alice' },
  action: { name: 'read' },
  resource: { type: 'record', id: 'record-1' },
};

describe.each([false, true])('SHP-2 a gateway with decidesOnly: %s', (decidesOnly) => {
  let gateway: DecisionGateway;
  beforeAll(async () => {
    gateway = await DecisionGateway.start(FIXTURE, ['service/harness'], () => ({
      ...{ decidesOnly, enforcementPoints: ['service/harness'] },
    }));
  });
  afterAll(() => gateway?.stop());

  const call = async (where: string, body?: unknown, method?: string) => {
    const headers = { authorization: `Bearer ${await gateway.token('service/harness')}` };
    const answer = await gateway.web.call(where, {
      headers,
      ...(body !== undefined && { body }),
      ...(method !== undefined && { method }),
    });
    return [answer.status, answer.headers['allow']];
  };

  test('decides', async () => {
    expect(await call('/access/v1/evaluation', QUESTION)).toEqual([200, undefined]);
  });

  test('takes requests, or has no address for them', async () => {
    const [status] = await call('/v1/asks', {});
    expect(status).toBe(decidesOnly ? 404 : 400);
    expect((await call('/v1/requestable'))[0]).toBe(decidesOnly ? 404 : 200);
  });

  test('says which methods an address has, where another is tried', async () => {
    expect(await call('/access/v1/evaluation', undefined, 'DELETE')).toEqual([405, 'POST']);
    expect(await call('/v1/requests', undefined, 'DELETE')).toEqual(
      decidesOnly ? [404, undefined] : [405, 'GET, POST'],
    );
  });
});
