import { LIMITS } from '../../../src/domain/limits';
import { Inbox } from '../../../src/workflows/inbox';

const statement = (length = 10) => ({ format: 'jws', jws: `a.b.${'c'.repeat(length)}` });

describe('EMG-2 the inbox takes anything and is bounded', () => {
  test('keeps the order, and what cannot be read as its own refusal', () => {
    const inbox = new Inbox();
    inbox.append(statement());
    inbox.append(null);
    inbox.append(JSON.parse('{"__proto__":{"format":"jws","jws":"a.b.c"}}'));
    const { arrivals, dropped } = inbox.drain();
    expect(arrivals.map(({ content }) => ('code' in content ? content.code : content.format))).toEqual([
      'jws',
      'MALFORMED',
      'MALFORMED',
    ]);
    expect(dropped).toBe(0);
    expect(inbox.isEmpty).toBe(true);
  });

  test('past its count, what arrives is counted and not kept', () => {
    const inbox = new Inbox();
    const kept = Array.from({ length: 1_000 }, () => inbox.append(statement())).filter(Boolean).length;
    expect(kept).toBe(LIMITS.inboxStatements);
    const { arrivals, dropped } = inbox.drain();
    expect([arrivals.length, dropped]).toEqual([LIMITS.inboxStatements, 1_000 - LIMITS.inboxStatements]);
  });

  test('past its bytes too', () => {
    const inbox = new Inbox();
    for (let count = 0; count < LIMITS.inboxStatements; count += 1)
      inbox.append(statement(LIMITS.statementBytes - 4));
    const { arrivals, dropped } = inbox.drain();
    expect(arrivals).toHaveLength(LIMITS.inboxBytes / LIMITS.statementBytes);
    expect(arrivals.length + dropped).toBe(LIMITS.inboxStatements);
  });
});
