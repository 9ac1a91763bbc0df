import { checkReceived } from '../../../src/domain/statement-check';
import { LEAD_1 } from '../../support/domain/people';
import { DirectoryInMemory, sealed } from '../../support/domain/ports';
import { aStatement } from '../../support/domain/statements';

const content = sealed(aStatement('approve', LEAD_1));
const check = new DirectoryInMemory().check(content);

describe('TTA-4 what a message counts as', () => {
  test('its checked statement, if it came as an update or under the signal of its own verb', () => {
    expect(checkReceived({ content }, check)).toBe(check);
    expect(checkReceived({ content, verb: 'approve' }, check)).toBe(check);
  });

  test('a refusal, if it came under the signal of another verb: signed is what is said, not how it is sent', () => {
    const refusal = { code: 'MALFORMED', detail: 'a statement to approve came as deny' };
    expect(checkReceived({ content, verb: 'deny' }, check)).toEqual({
      verified: false,
      attempt: { refusal, claimedIssuer: LEAD_1 },
    });
  });

  test('the refusal of its signature, whatever signal it came under', () => {
    const forged = new DirectoryInMemory({}, [LEAD_1]).check(content);
    expect(checkReceived({ content, verb: 'deny' }, forged)).toBe(forged);
  });

  test('a refusal, if it could not be checked or read', () => {
    const refusal = { code: 'NOT_NOW', detail: 'it could not be checked' } as const;
    expect(checkReceived({ content, verb: 'approve' }, undefined)).toEqual({
      verified: false,
      attempt: { refusal },
    });
    const unreadable = { code: 'MALFORMED', detail: 'no statement' } as const;
    expect(checkReceived({ content: unreadable }, undefined)).toEqual({
      verified: false,
      attempt: { refusal: unreadable },
    });
    expect(checkReceived({ content: unreadable, verb: 'deny' }, check)).toEqual({
      verified: false,
      attempt: { refusal: unreadable, claimedVerb: 'deny' },
    });
  });
});
