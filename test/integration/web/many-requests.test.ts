import { PageVisitor } from '../../support/page-visitor';
import { ManyRequests } from './support/many-requests';

/* `thousand-requests.test.ts` measures the same with a thousand. Here questions are counted, and no times. */

jest.setTimeout(120_000);

let many: ManyRequests;
beforeAll(async () => {
  many = await ManyRequests.start(60);
});
afterAll(() => many?.stack.stop());

describe('DIR-1, WEB-5 many open requests', () => {
  test.each([
    ['person/mira', '/'],
    ['person/nadia', '/governance'],
    ['person/nadia', '/audit'],
  ])('%s looks at %s: a page of rows, and no worker is asked twice for what has not changed', async (person, path) => {
    const visitor = await PageVisitor.signIn(many.stack, person);
    const { client } = many.stack.gateway;
    const first = await many.settled(visitor, path);
    const rows = [...first.text.matchAll(/class="row"/g)].length;
    expect(rows).toBeGreaterThan(5);
    expect(rows).toBeLessThanOrEqual(100);
    const [events, lengths] = [jest.spyOn(client, 'events'), jest.spyOn(client, 'historyLength')];
    for (let look = 0; look < 20; look += 1) expect((await visitor.get(path)).status).toBe(200);
    expect(events).not.toHaveBeenCalled();
    many.stack.clock.offsetMs += 3 * 60_000;
    await visitor.get(path);
    expect(lengths.mock.calls.length).toBeGreaterThan(0);
    expect(events).not.toHaveBeenCalled();
    events.mockRestore();
    lengths.mockRestore();
  });

  test('what somebody signs on a page is on their next page', async () => {
    const visitor = await PageVisitor.signIn(many.stack, 'person/mira');
    const { text } = await many.settled(visitor, '/');
    const rows = jest.spyOn(many.stack.gateway.client, 'rows');
    await visitor.get('/');
    expect(rows).not.toHaveBeenCalled();
    const id = /href="\/requests\/([^"]+)"/.exec(text)?.[1] ?? '';
    const signed = many.stack
      .passkey('person/mira')
      .sign({}, { origin: many.stack.origin, rpId: 'localhost' });
    await visitor.post(`/requests/${id}/statements`, { body: signed });
    await visitor.get('/');
    expect(rows).toHaveBeenCalled();
    rows.mockRestore();
  });
});
