import { randomUUID } from 'node:crypto';
import { type RequestGateway, WRITE } from '../support/request-gateway';

/** What is thrown at the gateway by HTTP alone. It shares the gateway of whoever calls this. */
export function httpAttackCases(ground: () => RequestGateway): void {
  let gateway: RequestGateway;
  beforeAll(() => {
    gateway = ground();
  });

  describe('bodies', () => {
    const post = async (raw: string, type = 'application/json') =>
      gateway.web.call('/access/v1/evaluation', {
        raw,
        headers: { authorization: `Bearer ${await gateway.token('ci/payments')}`, 'content-type': type },
      });
    const good = JSON.stringify(WRITE);

    it.each([
      ['a member that is there twice', good.replace('{', '{"action":{"name":"read"},')],
      ['a member that is there twice, escaped', good.replace('{', '{"\\u0061ction":{"name":"read"},')],
      ['deep nesting of arrays', `{"context":{"x":${'['.repeat(30)}${']'.repeat(30)}}}`],
      ['very deep nesting', `${'['.repeat(30_000)}`],
      ['deep nesting of objects', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
      ['a lone surrogate', good.replace('payments', '\\ud800')],
      ['a number beyond a double', good.replace('{', '{"n":1e999,')],
      ['a prototype', good.replace('{', '{"__proto__":{"decision":true},')],
      ['no object', '[]'],
      ['text after it', `${good} {}`],
    ])('%s is a 400', async (_name, raw) => {
      expect((await post(raw)).status).toBe(400);
    });

    it('too many members are a 400, too many bytes a 413, with or without a length', async () => {
      const many = JSON.stringify({ ...WRITE, context: { x: Array.from({ length: 5_000 }, () => 1) } });
      expect((await post(many)).status).toBe(400);
      const large = JSON.stringify({ ...WRITE, context: { x: 'x'.repeat(70_000) } });
      expect((await post(large)).status).toBe(413);
      const chunked = await gateway.web.call('/access/v1/evaluation', {
        raw: large,
        headers: {
          authorization: `Bearer ${await gateway.token('ci/payments')}`,
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
        },
      });
      expect(chunked.status).toBe(413);
    });

    it('what is too long for a header never gets far', async () => {
      const answer = await gateway.web.call('/health', { headers: { 'x-request-id': 'x'.repeat(300) } });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      const forged = await gateway.web.call('/health', { headers: { 'x-request-id': 'a b' } });
      expect(forged.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  it('ids of tasks cannot be guessed, and trying them says nothing', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        gateway.read('ci/payments', `arq_${Buffer.from(randomUUID()).toString('base64url').slice(0, 32)}`),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  });
}
