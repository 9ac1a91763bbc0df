import { assessActivity } from '../../../src/activities/assess';
import { refusalSchema } from '../../../src/audit/evidence/event-schema';
import { workflowIdOf } from '../../../src/contracts/names';
import { describeIssues } from '../../../src/contracts/problem';
import { newSubmissionSchema, submissionSchema } from '../../../src/contracts/request';
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

  test('AUD-3 what was taken by earlier rules can still be read', () => {
    expect(submissionSchema.safeParse(submitted({ reason: 'one\ntwo' })).success).toBe(true);
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
});
