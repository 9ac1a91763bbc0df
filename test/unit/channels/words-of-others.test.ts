import fc from 'fast-check';
import { letterOf } from '../../../src/channels/compose';
import type { Message, Notice } from '../../../src/channels/notice';
import { chatBodyOf } from '../../../src/channels/notifiers/chat';
import { textOf } from '../../../src/channels/notifiers/email';
import { nameOf, quotable } from '../../../src/channels/words';

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

/** The same words wherever somebody else could have written them. */
const everywhere = (words: string): Partial<Notice['subject']> => ({
  emergency: true,
  review: {
    parameters: { tool: words, toolVersion: words, target: words, arguments: { [words]: words } },
    ...{ containment: words, rollback: words, ticket: words, emergencyCondition: words },
    onBehalfOf: [words],
    precedents: [{ kind: 'hard-stop', id: words, about: words, by: words, atMs: 0, requester: words }],
    flags: [words],
  },
});

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
        expect([...shown].length).toBeLessThanOrEqual(300 + ' (99999 more characters)'.length);
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
    const letter = letterOf(
      aMessage(attack, { stage: attack, beneficiary: attack, ...everywhere(attack) }),
      LINKS,
    );
    const text = textOf(letter, 'person/mira');
    const harmless = textOf(letterOf(aMessage('words', everywhere('words')), LINKS), 'person/mira');
    expect(text.split('\n')).toHaveLength(harmless.split('\n').length);
    expect(text.match(/https?:\/\//g)).toHaveLength(1);
    expect(letter.subject).toBe('Countersign: your decision is awaited: warehouse:payments#write');
    expect(letterOf(aMessage('words', { entitlement: attack })).subject).not.toMatch(/[\r\n]/);
  });

  it.each(['slack', 'mattermost'] as const)('in %s nobody is called but the one it is for', (style) => {
    for (const attack of ATTACKS) {
      const body = JSON.stringify(
        chatBodyOf(
          aMessage(attack, { entitlement: attack, ...everywhere(attack) }),
          style,
          'U012AB3CD',
          LINKS,
        ),
      );
      const { text } = JSON.parse(body);
      // Whoever reads code spans as text sees nothing but our own sentences outside of them.
      const outside = text.replace(/`[^`\n]*`/g, '');
      expect(outside).not.toMatch(/evil|here>|!channel|all\b|Bcc|approve request/i);
      expect(outside.match(/[<@]/g)).toHaveLength(style === 'slack' ? 3 : 2);
    }
  });
});

describe('WEB-5, AGE-5 a mail has what the page and the command line show before somebody signs', () => {
  const factsIn = (review: object) => {
    const facts = { onBehalfOf: [], precedents: [], flags: [], ...review };
    return letterOf(aMessage('words', { review: facts })).items[0]?.facts ?? [];
  };

  test('on whose behalf, ticket, the exact action, its containment, what went before and whose, what to look at', () => {
    const parameters = { tool: 'migrate', toolVersion: '1', target: 'payments', arguments: { id: 42 } };
    const before = { kind: 'hard-stop', id: 'request-0000', about: 'network:egress#disable', atMs: 0 };
    const facts = factsIn({
      ...{ parameters, containment: 'stop the release', ticket: 'OPS-1', onBehalfOf: ['person/ines'] },
      precedents: [{ ...before, requester: 'agent/atlas' }],
      flags: ['it says urgent'],
    });
    expect(facts).toEqual(
      expect.arrayContaining([
        'on behalf of person/ines',
        'ticket "OPS-1"',
        `runs once: "migrate (version 1) on payments with {'id':42}"`,
        'to contain it: "stop the release"',
        'to roll it back: nothing was said',
        'look closer: "it says urgent"',
        'before: "hard-stop of network:egress#disable at 1970-01-01T00:00:00.000Z, asked by agent/atlas (request-0000)"',
      ]),
    );
  });

  test('how many signatures it needs, has and lacks, and whose', () => {
    const quorum = { needs: 2, has: 1, missing: ['person/tomas', 'person/david'] };
    const facts = letterOf(aMessage('words', { quorum })).items[0]?.facts;
    expect(facts).toContain('needs 2, has 1, missing: person/tomas or person/david');
  });

  test('what does not fit is counted, never left out in silence', () => {
    const long = factsIn({ ticket: 'x'.repeat(1_200), flags: Array(11).fill('flag') });
    expect(long.find((fact) => fact.startsWith('ticket'))).toMatch(/… \(201 more characters\)"$/);
    expect(long).toContain('3 more to look at: read the request');
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
    expect(letter).toMatchObject({ subject: 'Countersign: 20 requests wait for you, 8 more', more: 8 });
    expect(letter.items).toHaveLength(20);
  });
});

test('FRI-2 a subject tells what is to be decided from what is only to know', () => {
  const [waits] = aMessage('words').notices;
  if (waits === undefined) throw new Error('there is no notice');
  const { verb: _none, ...rest } = waits.subject;
  const known: Notice = { ...waits, kind: 'decided', subject: { ...rest, decided: 'granted' } };
  const subjectOf = (...notices: readonly Notice[]) => letterOf({ ...aMessage('words'), notices }).subject;
  expect(subjectOf(waits, known, known)).toBe('Countersign: 1 request waits for you, 2 things to know');
  expect(subjectOf(known, known)).toBe('Countersign: 2 things to know');
});
