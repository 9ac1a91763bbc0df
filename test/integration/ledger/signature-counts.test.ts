import { PostgresqlLedger } from '../../../src/ledger';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const HOUR = 3_600_000;
let postgres: TestPostgres;
let ledger: PostgresqlLedger;
beforeAll(async () => {
  postgres = await startPostgres();
  ledger = new PostgresqlLedger({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await ledger?.close();
  postgres?.stop();
});

describe('WEB-2 a signature counter that went back', () => {
  const AT = 100 * HOUR;
  const signature = (count: number, name = `signature ${count}`) => ({
    ...{ credential: `passkey of ${expect.getState().currentTestName}`, count, signature: name },
  });

  test('later ones count, and the same signature as often as it is looked at', async () => {
    for (const count of [3, 4, 9, 4, 3]) expect(await ledger.signed(signature(count), AT)).toBe(true);
    expect(await ledger.signed(signature(3), AT + HOUR)).toBe(true);
  });

  test('of two signatures with one count one is refused, even if both come at the same moment', async () => {
    const both = ['of the passkey', 'of its copy'].map((name) => ledger.signed(signature(5, name), AT));
    expect((await Promise.all(both)).sort()).toEqual([false, true]);
    expect(await ledger.signed(signature(5, 'of a third'), AT + HOUR)).toBe(false);
  });

  test('one that comes ten minutes after a later one is refused, one that was only overtaken is not', async () => {
    expect(await ledger.signed(signature(20), AT)).toBe(true);
    expect(await ledger.signed(signature(18), AT + 600_000)).toBe(true);
    expect(await ledger.signed(signature(19), AT + 600_001)).toBe(false);
    expect(await ledger.signed(signature(17), AT + HOUR)).toBe(false);
    expect(await ledger.signed(signature(21), AT + HOUR)).toBe(true);
  });

  test('what was taken in before counters were kept may be behind, and still not a copy', async () => {
    expect(await ledger.signed(signature(20), AT)).toBe(true);
    expect(await ledger.signed(signature(7), AT + HOUR, 'long ago')).toBe(true);
    expect(await ledger.signed(signature(20, 'of its copy'), AT + HOUR, 'long ago')).toBe(false);
  });

  test('passkeys that do not count are left alone; one that has counted does not stop', async () => {
    for (const at of [AT, AT + HOUR]) expect(await ledger.signed(signature(0), at)).toBe(true);
    expect(await ledger.signed(signature(1), AT + HOUR)).toBe(true);
    expect(await ledger.signed(signature(0), AT + HOUR)).toBe(false);
  });
});
