import { appendFileSync } from 'node:fs';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { PageVisitor } from '../../support/page-visitor';
import { PageStack } from '../../support/pages';

/*
 * COUNTERSIGN_MANY=1000 COUNTERSIGN_FIGURES=FILE measures how long a page takes with a thousand open requests. The test itself
 * counts questions and compares no times.
 */
const MANY = Number(process.env['COUNTERSIGN_MANY'] ?? 60);
const FIGURES = process.env['COUNTERSIGN_FIGURES'];
const LOOKS = 100;

jest.setTimeout(600_000);

let stack: PageStack;
beforeAll(async () => {
  stack = await PageStack.start(['person/mira', 'person/nadia']);
  const { cast, client } = stack.harness;
  // Each of an identity of its own would need a directory of a thousand; the limits of asking again are not what is measured.
  const limits = 'limit: 3, nearLimit: 10, openLimit: 20';
  const none = 'limit: 900, nearLimit: 900, openLimit: 900';
  stack.harness.bundle.replace('paths.yaml', limits, none);
  const requesters = ['ci/payments', 'person/jonas'];
  const asks = Array.from({ length: MANY }, (_, at) => ({
    ...WRITE,
    requester: requesters[at % requesters.length] ?? '',
    reason: `change number ${at}`,
  }));
  for (let at = 0; at < MANY; at += 10)
    await Promise.all(asks.slice(at, at + 10).map((ask) => cast.ask(ask)));
  await eventuallyTrue(
    'all are listed',
    async () =>
      (await client.list({ status: 'awaiting_approval', running: true, limit: 1_000 })).length === MANY,
    60_000,
  );
});
afterAll(() => stack?.stop());

async function timesOf(visitor: PageVisitor, path: string): Promise<readonly number[]> {
  const times: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const begin = performance.now();
    expect((await visitor.get(path)).status).toBe(200);
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b);
}

const at = (times: readonly number[], share: number): string =>
  (times[Math.floor(times.length * share)] ?? 0).toFixed(1);

describe('DIR-1, WEB-5 many open requests', () => {
  test.each([
    ['person/mira', '/'],
    ['person/nadia', '/governance'],
    ['person/nadia', '/audit'],
  ])('%s looks at %s: a page of rows, and no worker is asked twice for what has not changed', async (person, path) => {
    const visitor = await PageVisitor.signIn(stack, person);
    const { client } = stack.gateway;
    let first = await visitor.get(path);
    // The first looks verify everything, and a list takes five seconds at most.
    await eventuallyTrue('everything is verified', async () => {
      first = await visitor.get(path);
      return !first.text.includes('not shown');
    });
    const rows = [...first.text.matchAll(/class="row"/g)].length;
    expect(rows).toBeGreaterThan(5);
    expect(rows).toBeLessThanOrEqual(100);
    const [events, lengths] = [jest.spyOn(client, 'events'), jest.spyOn(client, 'historyLength')];
    const times = await timesOf(visitor, path);
    expect(events).not.toHaveBeenCalled();
    stack.clock.offsetMs += 60_000;
    await visitor.get(path);
    expect(lengths.mock.calls.length).toBeGreaterThan(0);
    expect(events).not.toHaveBeenCalled();
    events.mockRestore();
    lengths.mockRestore();
    if (FIGURES !== undefined)
      appendFileSync(
        FIGURES,
        `${path} with ${MANY} open: p50 ${at(times, 0.5)} ms, p95 ${at(times, 0.95)} ms\n`,
      );
  });

  test('the page of one request', async () => {
    const visitor = await PageVisitor.signIn(stack, 'person/mira');
    const id = /href="(\/requests\/[^"]+)"/.exec((await visitor.get('/')).text)?.[1] ?? '';
    const times = await timesOf(visitor, id);
    if (FIGURES !== undefined)
      appendFileSync(
        FIGURES,
        `one request, read anew, with ${MANY} open: p50 ${at(times, 0.5)} ms, p95 ${at(times, 0.95)} ms\n`,
      );
  });
});
