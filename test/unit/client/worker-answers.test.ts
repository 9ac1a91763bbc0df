import { Client, Connection } from '@temporalio/client';
import { CountersignClient } from '../../../src/client';
import { BEGIN, lifeOf } from '../../support/friction/population';

const LIFE = lifeOf({
  id: 'request-0001',
  atMs: BEGIN,
  what: { connector: 'warehouse', resource: 'payments', action: 'write' },
  who: 'ci/payments',
  ends: 'approved',
});

/** A client whose server is never reached: every query gets this answer. */
function clientAnswered(answer: unknown): CountersignClient {
  const interceptors = { workflow: [{ query: () => Promise.resolve(answer) }] };
  return new CountersignClient(new Client({ connection: Connection.lazy(), interceptors }));
}

describe('events() checks what a worker answers', () => {
  test('the events of a life pass as they are', async () => {
    expect(await clientAnswered(LIFE).events('request-0001')).toEqual(LIFE);
  });

  test('members that a later version adds to an event pass, too', async () => {
    const later = LIFE.map((event) => ({ ...event, addedLater: true }));
    expect(await clientAnswered(later).events('request-0001')).toEqual(later);
  });

  test.each<[string, unknown, string]>([
    ['nothing', null, 'expected array'],
    ['text', 'granted', 'expected array'],
    ['a type that nobody knows', [{ type: 'granted_for_ever', atMs: BEGIN }], '.0.type: '],
    ['a moment that is text', [{ type: 'approved', atMs: 'soon' }], '.0.atMs: '],
    ['an event without a member that it needs', [LIFE[0], { type: 'denied', atMs: BEGIN }], '.1.by: '],
    [
      'more events than a request has',
      Array.from({ length: 20_001 }, () => LIFE[0]),
      'expected array to have',
    ],
  ])('%s is one clear error with a code', async (_, answer, message) => {
    const error: unknown = await clientAnswered(answer)
      .events('request-0001')
      .catch((reason) => reason);
    expect(error).toMatchObject({ name: 'CountersignError', code: 'NOT_ANSWERING' });
    const text = String(error);
    expect(text).toContain('events in the answer of the worker');
    expect(text).toContain(message);
    expect(text).not.toContain('\n');
  });
});
