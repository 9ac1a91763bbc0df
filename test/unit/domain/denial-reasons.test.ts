import type { Statement } from '../../../src/domain/statement';
import { refuseUnreasoned } from '../../../src/domain/verbs/deny';
import { says } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { LEAD_1 } from '../../support/domain/people';
import { DirectoryInMemory, sealed } from '../../support/domain/ports';
import { stateAfter } from '../../support/domain/specification';
import { aStatement } from '../../support/domain/statements';

describe('WEB-7 a denial carries a reason', () => {
  const check = (said: Partial<Statement>, verb: 'deny' | 'approve' = 'deny') =>
    refuseUnreasoned(new DirectoryInMemory().check(sealed(aStatement(verb, LEAD_1, said))));

  test('one without any is refused as it is taken in', () => {
    const { jti } = aStatement('deny', LEAD_1);
    const detail = 'a denial needs a reason code or a comment, which the requester reads';
    expect(check({})).toEqual({
      verified: false,
      attempt: {
        refusal: { code: 'MISSING_REASON', detail },
        ...{ claimedVerb: 'deny', claimedIssuer: LEAD_1, claimedId: jti },
      },
    });
  });

  test('a code or a comment is enough, and an approval needs none', () => {
    expect(check({ reasonCode: 'freeze' })).toMatchObject({ verified: true });
    expect(check({ comment: 'no' })).toMatchObject({ verified: true });
    expect(check({}, 'approve')).toMatchObject({ verified: true });
  });

  test('what is refused already stays refused for its own reason', () => {
    const attempt = {
      refusal: { code: 'BAD_SIGNATURE', detail: 'not theirs' },
      claimedVerb: 'deny',
    } as const;
    const refused = { verified: false, attempt } as const;
    expect(refuseUnreasoned(refused)).toBe(refused);
  });

  test('AUD-1 one that an earlier version took counts in its history as it did then', () => {
    expect(stateAfter(...awaitingApproval(), says(LEAD_1, 'deny')).status).toBe('denied');
  });
});
