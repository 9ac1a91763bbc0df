import { RequestLog } from '../../../src/workflows/request-log';
import { sampleRequest } from '../../support/keyring';

const submission = { request: sampleRequest(), proof: { format: 'jws' as const, jws: 'a.b.c' } };
const refusal = { code: 'MALFORMED', detail: 'not a signed statement' } as const;
const attempt = { type: 'consider', check: { verified: false, attempt: { refusal } } } as const;

describe('RequestLog', () => {
  test('time never runs backwards, although an activity may be ahead of the workflow within one workflow task', () => {
    const log = new RequestLog();
    log.apply({ type: 'submit', atMs: 1_000, submission });
    log.apply({ ...attempt, atMs: 2_000 });
    const [event] = log.apply({ ...attempt, atMs: 1_500 });
    expect(event?.atMs).toBe(2_000);
  });

  test('AUD-2 refusals past the limit are counted and not kept, by the next run too', () => {
    const log = new RequestLog();
    log.apply({ type: 'submit', atMs: 1_000, submission });
    for (let count = 0; count < 100; count += 1) log.apply({ ...attempt, atMs: 2_000 });
    log.apply({ type: 'record_dropped', atMs: 2_000, count: 7 });
    const next = new RequestLog();
    next.resume(log.carry());
    expect(next.state).toEqual(log.state);
    expect([next.state?.refusalCount, next.state?.refusals.length, next.events.length]).toEqual([
      107, 32, 33,
    ]);
  });
});
