import { assessActivity } from '../../../src/activities/assess';
import { refusalSchema } from '../../../src/contracts/event';
import { workflowIdOf } from '../../../src/contracts/names';
import { describeIssues } from '../../../src/contracts/problem';
import { newSubmissionSchema, submissionSchema } from '../../../src/contracts/request';
import { recordedClaimsSchema, statementClaimsSchema } from '../../../src/contracts/statement';
import { withMarks } from '../../../src/domain/characters';
import { FORGETFUL } from '../../../src/ledger/forgetful';
import { sampleRequest } from '../../support/keyring';

const submitted = (about: object) => ({
  request: { ...sampleRequest(), ...about },
  proof: { format: 'jws', jws: 'a.b.c' },
});
const isTaken = (about: object) => newSubmissionSchema.safeParse(submitted(about)).success;

/** By code point, so that nothing in this file turns it around. */
const BREAKS = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0x7f, 0x85, 0x2028, 0x2029];
const TURNS = [0x061c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069];

describe('TTA-3 what a requester writes is one line, and cannot go on as lines of ours', () => {
  test.each([...BREAKS, ...TURNS])('a reason or a ticket with U+%i is refused', (code) => {
    const mark = String.fromCodePoint(code);
    expect(isTaken({ reason: `x${mark}  approved by person/tomas (security)` })).toBe(false);
    expect(isTaken({ ticket: `OPS-1${mark}` })).toBe(false);
  });

  test('a plan may have several lines, and nothing else that a reason may not', () => {
    expect(isTaken({ containment: 'stop it\n\tthen wait', rollback: 'undo\nit' })).toBe(true);
    for (const code of [0x0d, 0x1b, 0x85, 0x2028, 0x202e])
      expect(isTaken({ rollback: `undo${String.fromCodePoint(code)}it` })).toBe(false);
  });

  test('a worker takes nobody’s word for it: what was started past the client is refused before policy is asked', async () => {
    const authority = async () => {
      throw new Error('policy was asked');
    };
    const dependencies = { authority, connector: () => undefined, ledger: FORGETFUL, nowMs: Date.now };
    const raw = submitted({ reason: 'x\n  approved by person/tomas' });
    const id = workflowIdOf(raw.request.id);
    expect(await assessActivity(dependencies)(raw, id)).toMatchObject({ refusal: { code: 'MALFORMED' } });
    // AUD-3: evidence of a life from before is assessed again by the rules of its time.
    await expect(assessActivity(dependencies, submissionSchema)(raw, id)).rejects.toThrow('policy was asked');
  });

  test('words of every script are words', () => {
    for (const reason of ['Миграция 42', '移行 42', 'הגירה 42', 'مهاجرت 42', 'déployer 🚀'])
      expect(isTaken({ reason })).toBe(true);
  });

  test('a tool and what it acts on may be called as their makers call them, on one line', () => {
    const calls = (about: object) => ({
      kind: 'execution',
      parameters: { tool: 'vault', toolVersion: '1', target: 'x', arguments: {}, ...about },
    });
    for (const name of ['_internal', 'Payments DB (eu)', "O'Brien's", 'jürgen', 'https://x.example/a?b=1'])
      for (const member of ['tool', 'toolVersion', 'target'])
        expect(isTaken(calls({ [member]: name }))).toBe(true);
    for (const name of ['', 'x'.repeat(257), 'a\nb', `a${String.fromCodePoint(0x200b)}b`])
      expect(isTaken(calls({ target: name }))).toBe(false);
  });

  test('AUD-3 what was taken by earlier rules can still be read', () => {
    expect(submissionSchema.safeParse(submitted({ reason: 'one\ntwo' })).success).toBe(true);
  });
});

/** A character that cannot be seen: spaces without width, joiners, hyphens that may be, tags, fillers, selectors. */
const UNSEEN = [0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0x3164, 0xfe0f, 0xe0041, 0x2800];
const withArguments = (given: object) => ({
  kind: 'execution',
  containment: 'stop it',
  rollback: 'undo it',
  parameters: { tool: 'migrate', toolVersion: '1', target: 'warehouse', arguments: given },
});

describe('TTA-3 what is signed is Unicode, so that it has a canonical form (RFC 8785)', () => {
  const half = 'x\ud83d';
  test.each([
    ['a reason', { reason: half }],
    ['a ticket', { ticket: half }],
    ['a plan', { rollback: half }],
    ['an argument', withArguments({ a: [{ b: half }] })],
    ['the name of an argument', withArguments({ a: { [half]: 1 } })],
  ])('%s with half of a character is refused', (_what, about) => {
    expect(isTaken(about)).toBe(false);
    expect(isTaken(JSON.parse(JSON.stringify(about).replaceAll('\\ud83d', '🚀')))).toBe(true);
  });

  test('AUD-3 what was taken with it before can still be read', () => {
    expect(submissionSchema.safeParse(submitted({ reason: half })).success).toBe(true);
    expect(submissionSchema.safeParse(submitted(withArguments({ [half]: half }))).success).toBe(true);
    expect(recordedClaimsSchema.shape.comment.safeParse(half).success).toBe(true);
    expect(statementClaimsSchema.shape.comment.safeParse(half).success).toBe(false);
  });
});

describe('TTA-3 a name reads as what it is', () => {
  test.each(
    UNSEEN,
  )('an argument or a ticket whose name has U+%i is refused, and told with the code', (code) => {
    const unseen = String.fromCodePoint(code);
    expect(isTaken({ ticket: `OPS${unseen}-1` })).toBe(false);
    const { error } = newSubmissionSchema.safeParse(submitted(withArguments({ a: { [`x${unseen}y`]: 1 } })));
    if (error === undefined) throw new Error('it was read');
    expect(describeIssues(error, 'submission')).toContain(
      `U+${code.toString(16).toUpperCase().padStart(4, '0')}`,
    );
    expect(isTaken({ reason: `x${unseen}y` })).toBe(false);
    // A value is another's text in any script, and is shown with marks.
    expect(isTaken(withArguments({ a: `x${unseen}y` }))).toBe(true);
    expect(withMarks(`x${unseen}y`)).toBe('x\ufffdy');
  });

  test('names of every script are names', () => {
    for (const name of ['größe', 'スキーマ', 'имя', 'a b', 'naïve', 'x_1'])
      expect(isTaken(withArguments({ [name]: 1 }))).toBe(true);
  });
});

describe('AUD-3 what is said of a submission that cannot be read has room in its evidence', () => {
  test.each(['k', '🚀'])('however long the names are that it has: %s', (letter) => {
    const { error } = newSubmissionSchema.safeParse({ ...submitted({}), [letter.repeat(20_000)]: 1 });
    if (error === undefined) throw new Error('it was read');
    const said = describeIssues(error, 'submission');
    expect(said).toContain(letter.repeat(200));
    expect(refusalSchema.safeParse({ code: 'MALFORMED', detail: said }).success).toBe(true);
    expect(encodeURI(said)).toBeDefined();
  });

  test('whatever the names are: half of a character becomes a mark', () => {
    const { error } = newSubmissionSchema.safeParse({ ...submitted({}), ['k\ud83d']: 1 });
    if (error === undefined) throw new Error('it was read');
    expect(describeIssues(error, 'submission')).toContain('k\ufffd');
  });
});
