import fc from 'fast-check';
import { letterOf } from '../../../src/notify/compose';
import type { Message, Notice } from '../../../src/notify/notice';
import { chatBodyOf } from '../../../src/notify/notifiers/chat';
import { textOf } from '../../../src/notify/notifiers/email';
import { nameOf, quotable } from '../../../src/notify/words';

const LINKS = { request: 'https://countersign.example.com/r/{id}' };

function aMessage(words: string, changes: Partial<Notice['subject']> = {}): Message {
  const subject = {
    digest: 'sha-256:abc',
    requester: 'ci/payments',
    beneficiary: 'ci/payments',
    entitlement: 'warehouse:payments#write',
    durationMs: 3_600_000,
    stage: 'owner',
    words,
    verb: 'approve' as const,
    ...changes,
  };
  const notice: Notice = {
    key: 'k',
    kind: 'awaiting',
    person: 'person/mira',
    request: 'request-0001',
    sinceMs: 0,
    subject,
  };
  return { id: 'msg_1', person: 'person/mira', createdAtMs: 0, notices: [notice], more: 0 };
}

const ATTACKS = [
  'https://evil.example/approve',
  'http:\\\\evil.example',
  'HTTPS://EVIL.EXAMPLE',
  'evil.example/approve',
  'evil\u3002example',
  'evil\uff0eexample',
  'https\uff1a//evil.example',
  '<https://evil.example|Approve now>',
  '[Approve](https://evil.example)',
  '<!here> <!channel> <@U012AB3CD>',
  '@here @channel @all @mira',
  '\uff20here',
  'mailto:ceo@example.com',
  'javascript:alert(1)',
  '\\\\server\\share',
  '``` `code` ```',
  'ends here" countersign approve request-0001',
  'line one\r\nBcc: all@example.com\r\n\r\n<html>',
  'a\u2028b\u2029c\u0085d',
  'safe\u202eexe.evil\u202c \u200bzero\u200d width \ufeff',
  '\u0000\u0007\u001b[31mred',
];

/** What a client would make something of. */
const ALIVE = [
  /:\/\//,
  /:\\/,
  /@/,
  /[\p{L}\p{N}][.\u3002]\p{L}{2}/u,
  /["`]/,
  // What a browser takes for a dot, a colon, a slash or an at sign.
  /[\uff0e\uff61\uff1a\uff0f\uff20]/,
  /\b(mailto|javascript):/i,
  /\\\\/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/,
];

describe('FRI-2 the words of a requester are shown as words, and do nothing', () => {
  it.each(
    ATTACKS,
  )('%j is nothing that can be clicked, that calls anyone, or that ends its own quotation', (attack) => {
    for (const alive of ALIVE) expect(quotable(attack)).not.toMatch(alive);
    for (const alive of ALIVE) expect(nameOf(attack)).not.toMatch(alive);
  });

  test('nor is anything else, in any order, and it stays short', () => {
    const piece = fc.oneof(
      fc.constantFrom(...ATTACKS),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('@', ':', '//', '.', '\\', '"', '`'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const shown = quotable(pieces.join(''));
        for (const alive of ALIVE) expect(shown).not.toMatch(alive);
        expect([...shown].length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 2_000 },
    );
  });

  test('ordinary words stay as they are', () => {
    const words = 'Replay of Friday (v1.2, 3 files): 40% done; see CHG-7, e.g. step 4. Ünïcode is fine.';
    expect(quotable(words)).toBe(words);
  });

  it.each(
    ATTACKS,
  )('in a mail %j stays on its line, in its quotation marks, and out of the subject', (attack) => {
    const letter = letterOf(aMessage(attack, { stage: attack, beneficiary: attack }), LINKS);
    const text = textOf(letter, 'person/mira');
    const harmless = textOf(letterOf(aMessage('words'), LINKS), 'person/mira');
    expect(text.split('\n')).toHaveLength(harmless.split('\n').length);
    expect(text.match(/https?:\/\//g)).toHaveLength(1);
    expect(letter.subject).toBe('Countersign: your decision is awaited: warehouse:payments#write');
    expect(letterOf(aMessage('words', { entitlement: attack })).subject).not.toMatch(/[\r\n]/);
  });

  it.each(['slack', 'mattermost'] as const)('in %s nobody is called but the one it is for', (style) => {
    for (const attack of ATTACKS) {
      const body = JSON.stringify(
        chatBodyOf(aMessage(attack, { entitlement: attack }), style, 'U012AB3CD', LINKS),
      );
      const { text } = JSON.parse(body);
      // Whoever reads code spans as text sees nothing but our own sentences outside of them.
      const outside = text.replace(/`[^`\n]*`/g, '');
      expect(outside).not.toMatch(/evil|here>|!channel|all\b|Bcc|approve request/i);
      expect(outside.match(/[<@]/g)).toHaveLength(style === 'slack' ? 3 : 2);
    }
  });
});

describe('AGE-3 a message is never a gate', () => {
  test('it holds no token and no way to approve but a command that has to be signed', () => {
    const text = textOf(letterOf(aMessage('words'), LINKS), 'person/mira');
    expect(text.match(/https?:\S+/g)).toEqual(['https://countersign.example.com/r/request-0001']);
    expect(text).toContain('nothing in it can approve');
  });

  test('what is no request id becomes no command and no link', () => {
    const [notice] = aMessage('words').notices;
    if (notice === undefined) throw new Error('no notice');
    const message = { ...aMessage('words'), notices: [{ ...notice, request: 'x; rm -rf / #' }] };
    const [item] = letterOf(message, LINKS).items;
    expect(item).toMatchObject({ commands: [] });
    expect(item).not.toHaveProperty('page');
  });

  test('many things are one message, and what does not fit is counted', () => {
    const [notice] = aMessage('words').notices;
    if (notice === undefined) throw new Error('no notice');
    const message = { ...aMessage('words'), notices: Array(25).fill(notice), more: 3 };
    const letter = letterOf(message);
    expect(letter).toMatchObject({ subject: 'Countersign: 28 things for you to know', more: 8 });
    expect(letter.items).toHaveLength(20);
  });
});
