import { z } from 'zod';
import { describeIssues } from '../contracts/problem';
import { identifier, principalId } from '../contracts/request';
import { type AttestedMembers, attestedMembersSchema } from '../contracts/statement';
import type { Directory } from '../directory/directory';
import { type Assurance, ATTESTER_ROLE, hasAnyRole, isHuman, type PrincipalId } from '../domain/principal';
import { accepted, type Result, refused } from '../domain/refusal';
import type { VerifiedPayload } from './verify';

/** Who made a statement, and what that is worth. `payload` has the claims of a statement and nothing else. */
export interface Stated {
  readonly payload: unknown;
  readonly principal: PrincipalId;
  readonly assurance: Assurance;
  readonly channel: string;
}

/** Members of an attested statement without which nobody could say who chose what. The claims are read by the rules of a statement. */
const chosenSchema = z.looseObject({
  ...attestedMembersSchema.shape,
  iss: principalId,
  // Whoever presses a button was shown one stage.
  stage: identifier,
});

/** How the directory writes somebody's account in a channel: the workspace is a part of it, so an account of another one is nobody's. */
export const channelAccount = ({
  workspace,
  account,
}: Pick<AttestedMembers['via'], 'workspace' | 'account'>) => `${workspace}/${account}`;

/**
 * Reads who chose something in a channel from what the channel's gateway signed about it. Its assurance is `channel`, whatever the key
 * is worth elsewhere. The key has to be registered for this channel, to an identity that may attest, and the directory has to say
 * that the account is the person's.
 *
 * Refuses with `MALFORMED`, `BAD_SIGNATURE` (who may not attest this), `DISABLED_IDENTITY` (the attester).
 */
export function whoChose(
  { payload, key }: VerifiedPayload,
  directory: Pick<Directory, 'identity' | 'standingOf'>,
  atMs: number,
): Result<Stated> {
  const read = chosenSchema.safeParse(payload);
  if (!read.success) return refused('MALFORMED', describeIssues(read.error, 'attested statement'));
  const { attester, via, ...claims } = read.data;
  const standing = directory.standingOf(key.principal, atMs);
  if (
    attester !== key.principal ||
    standing === undefined ||
    isHuman(standing) ||
    !hasAnyRole(standing, [ATTESTER_ROLE])
  )
    return refused('BAD_SIGNATURE', `${key.principal} may not attest what others choose`);
  if (key.channel !== via.channel)
    return refused('BAD_SIGNATURE', `the key is registered for ${key.channel}, not for ${via.channel}`);
  if (!standing.active)
    return refused('DISABLED_IDENTITY', `${key.principal} is disabled or past its end date`);
  const accounts = directory.identity(claims.iss)?.accounts ?? {};
  const own = Object.hasOwn(accounts, via.channel) ? accounts[via.channel] : undefined;
  if (own !== channelAccount(via))
    return refused('BAD_SIGNATURE', `the account in ${via.channel} is not that of ${claims.iss}`);
  return accepted({ payload: claims, principal: claims.iss, assurance: 'channel', channel: via.channel });
}
