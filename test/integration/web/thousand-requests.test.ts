import { ManyRequests } from './support/many-requests';

/* The goal is a p95 of under 50 ms for each page. What was measured is printed; no test depends on it. */

jest.setTimeout(900_000);

let many: ManyRequests;
beforeAll(async () => {
  many = await ManyRequests.start(1_000);
});
afterAll(() => many?.stack.stop());

describe('DIR-1, WEB-5 a thousand requests that wait for people', () => {
  test.each([
    ['person/mira', '/'],
    ['person/nadia', '/governance'],
    ['person/nadia', '/audit'],
    ['person/nadia', '/audit?person=person%2Fjonas'],
  ])('%s looks at %s', (person, path) => many.measure(person, path));

  test('the page of one request', async () => {
    const { harness } = many.stack;
    const [row] = await harness.client.list({ status: 'awaiting_approval', limit: 1 });
    await many.measure('person/mira', `/requests/${row?.id}`, 'one request');
  });
});
