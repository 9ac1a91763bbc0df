import { LIMITS } from '../../../src/domain/limits';
import { Inbox } from '../../../src/workflows/inbox';

const statement = (number: number, length = 10) => ({
  format: 'jws',
  jws: `a.b.${String(number).padEnd(length, 'c')}`,
});

/** Empties an inbox as the workflow does, batch by batch. */
function drainAll(inbox: Inbox) {
  const drained = { contents: [] as string[], dropped: 0, batches: 0 };
  while (!inbox.isEmpty) {
    const { arrivals, dropped } = inbox.drain();
    drained.contents.push(...arrivals.map(({ content }) => ('code' in content ? content.code : content.jws)));
    drained.dropped += dropped;
    drained.batches += 1;
    expect(arrivals.length).toBeLessThanOrEqual(LIMITS.batchStatements);
  }
  return drained;
}

describe('EMG-2 the inbox takes anything and is bounded', () => {
  test('keeps the order, and what cannot be read as its own refusal', () => {
    const inbox = new Inbox();
    inbox.append(statement(1));
    inbox.append(null);
    inbox.append(JSON.parse('{"__proto__":{"format":"jws","jws":"a.b.c"}}'));
    expect(drainAll(inbox)).toMatchObject({
      contents: [statement(1).jws, 'MALFORMED', 'MALFORMED'],
      dropped: 0,
    });
    expect(inbox.isEmpty).toBe(true);
  });

  test('past its count, what arrives is counted and not kept', () => {
    const inbox = new Inbox();
    const sent = LIMITS.inboxStatements + 100;
    const kept = Array.from({ length: sent }, (_, number) => inbox.append(statement(number))).filter(
      Boolean,
    ).length;
    expect(kept).toBe(LIMITS.inboxStatements);
    const { contents, dropped, batches } = drainAll(inbox);
    expect([contents.length, dropped]).toEqual([LIMITS.inboxStatements, 100]);
    expect(batches).toBe(LIMITS.inboxStatements / LIMITS.batchStatements);
    expect(inbox.append(statement(0))).toBe(true);
  });

  test('past its bytes too, and there is room again once it was emptied', () => {
    const inbox = new Inbox();
    const fit = LIMITS.inboxBytes / LIMITS.statementBytes;
    const append = () => {
      for (let number = 0; number < fit + 10; number += 1)
        inbox.append(statement(number, LIMITS.statementBytes - 4));
      return drainAll(inbox);
    };
    for (let round = 0; round < 2; round += 1)
      expect(append()).toMatchObject({ contents: { length: fit }, dropped: 10 });
  });

  test('rubbish and copies do not push out what somebody signed', () => {
    const inbox = new Inbox();
    for (let count = 0; count < 10_000; count += 1) {
      inbox.append({ flood: count });
      inbox.append(statement(1));
    }
    expect(inbox.append(statement(2))).toBe(true);
    const { contents, dropped } = drainAll(inbox);
    expect(contents).toContain(statement(2).jws);
    expect(contents.filter((one) => one === statement(1).jws)).toHaveLength(1);
    expect(contents.filter((one) => one === 'MALFORMED')).toHaveLength(LIMITS.inboxUnreadable);
    expect(contents.length + dropped).toBe(20_001);
  });

  test('whoever waits for an answer gets one, also on a copy', () => {
    const inbox = new Inbox();
    inbox.append(statement(1));
    expect(inbox.append(statement(1), { settle: () => undefined })).toBe(true);
  });
});
