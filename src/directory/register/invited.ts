import { type InvitationClaims, LONGEST_INVITATION_MS } from '../../contracts/enrolment';
import { digestOf } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { refused } from '../../domain/refusal';
import { isOriginOf } from '../passkey';
import type { Registered, Said } from './row';

/** Says why an invitation is not one that a governor may give, whoever signed it. */
export function invitationProblem({ iss, sub, iat, exp, rpId, origin }: InvitationClaims) {
  if (iss === sub) return refused('CONFLICTED', `${iss} cannot invite themselves; another governor has to`);
  if (exp <= iat || (exp - iat) * 1_000 > LONGEST_INVITATION_MS)
    return refused('EXPIRED_STATEMENT', 'an invitation is valid for seven days at most');
  return isOriginOf(origin, rpId) ? undefined : refused('MALFORMED', `${origin} is no page of ${rpId}`);
}

/** Says why a registration does not fit the invitation that it names. */
export function registrationProblem(
  { sub, iat, invitation: named, credential }: Registered['registration']['claims'],
  { envelope, claims }: Said<InvitationClaims>,
) {
  if (named !== digestOf(envelope)) return refused('DIGEST_MISMATCH', 'it names another invitation');
  if (sub !== claims.sub)
    return refused('NOT_ELIGIBLE', `the invitation is for ${claims.sub}, not for ${sub}`);
  if (credential.rpId !== claims.rpId || credential.origin !== claims.origin)
    return refused('BAD_SIGNATURE', `registered for ${credential.origin}, invited to ${claims.origin}`);
  if (iat * 1_000 < claims.iat * 1_000 - LIMITS.clockSkewMs || iat >= claims.exp)
    return refused('EXPIRED_STATEMENT', 'the invitation was not valid when it was used');
  return undefined;
}
