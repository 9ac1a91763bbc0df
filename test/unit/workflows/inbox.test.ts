import { LIMITS } from '../../../src/domain/limits';
import { envelopeText } from '../../../src/domain/request';
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
    drained.contents.push(
      ...arrivals.map(({ content }) => ('code' in content ? content.code : envelopeText(content))),
    );
    drained.dropped += dropped;
    drained.batches += 1;
    expect(arrivals.length).toBeLessThanOrEqual(LIMITS.batchStatements);
  }
  return drained;
}

describe('EMG-2 the inbox takes anything and is bounded', () => {
  test('keeps the order, and an unreadable message as its refusal', () => {
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

  test('AUD-3 claims with half of a character are unreadable, and were read by runs from before', () => {
    const passkey = { credentialId: 'a', authenticatorData: 'a', clientDataJSON: 'a', signature: 'a' };
    const message = { format: 'webauthn', claims: '{"comment":"\ud83d"}', ...passkey };
    const [now, before] = [new Inbox(), new Inbox(() => false)];
    for (const inbox of [now, before]) inbox.append(message);
    expect(drainAll(now).contents).toEqual(['MALFORMED']);
    expect(drainAll(before).contents[0]).toContain('comment');
    now.append({ ...message, claims: '{"comment":"🚀"}' });
    expect(drainAll(now).contents[0]).toContain('comment');
  });

  test('past its limit, messages are counted and not kept', () => {
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

  test('the same past its limit of bytes; once emptied there is room again', () => {
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

  test('rubbish and copies do not push out a signed statement', () => {
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

  test('a sender who waits for an answer gets one, even for a copy', () => {
    const inbox = new Inbox();
    inbox.append(statement(1));
    expect(inbox.append(statement(1), { settle: () => undefined })).toBe(true);
  });
});
