import { z } from 'zod';
import type { Directory, Passkey } from '../../directory/directory';
import { isHuman, type PrincipalId, type Standing } from '../../domain/principal';
import { accepted, type Result, refused } from '../../domain/refusal';
import type { GatewayConfig } from '../config';

/** Whom the identity provider recognised, in its own words. */
export interface Seen {
  readonly issuer: string;
  readonly subject: string;
}

/** How a person was recognised: by a passkey, or by the identity provider. */
export type RecognisedBy = { readonly kid: string } | { readonly seen: Seen };

/** What a session, of a browser or of the command line, says of whom it belongs to. */
export const sessionClaimsSchema = z.intersection(
  z.object({ sub: z.string(), exp: z.number(), jti: z.string() }),
  z.union([
    z.object({ kid: z.string() }),
    z.object({ seen: z.strictObject({ issuer: z.string(), subject: z.string() }) }),
  ]),
);
export type SessionClaims = z.output<typeof sessionClaimsSchema>;

/** Who holds a session: in good standing at this moment. */
export interface SessionHolder {
  readonly person: PrincipalId;
  readonly standing: Standing;
  /** The passkey that signed in. Absent if the identity provider recognised them. */
  readonly passkey?: Passkey;
  /** Whom the identity provider recognised. Absent if a passkey signed in. */
  readonly seen?: Seen;
  readonly untilMs: number;
}

/**
 * Returns who holds a session, by the directory and the settings of this moment. Returns undefined if nobody does any more: the person is
 * disabled, the passkey retired, or the identity provider is another one or maps to somebody else.
 */
export function holderOf(
  claims: SessionClaims,
  directory: Directory,
  signIn: GatewayConfig['signIn'],
  atMs: number,
): SessionHolder | undefined {
  const { sub, exp } = claims;
  const standing = directory.standingOf(sub, atMs);
  if (standing === undefined || !refuseReader(standing, sub).ok) return undefined;
  const holder = { person: sub, standing, untilMs: exp * 1_000 };
  if ('seen' in claims) {
    const { seen } = claims;
    return signIn !== undefined && stillMaps(signIn, seen, sub) ? { ...holder, seen } : undefined;
  }
  const passkey = directory.keyById(claims.kid, atMs);
  return passkey?.kind === 'passkey' && passkey.principal === sub ? { ...holder, passkey } : undefined;
}

/** Reading is for people in good standing. */
export function refuseReader(standing: Standing | undefined, id: PrincipalId): Result<Standing> {
  if (standing === undefined || !standing.active)
    return refused('DISABLED_IDENTITY', `${id} is disabled or past its end date`);
  return isHuman(standing) ? accepted(standing) : refused('NOT_HUMAN', `${id} is not a person`);
}

/** Returns true if the settings of today would still make this person of whom the provider saw. */
function stillMaps(
  { issuer, people }: NonNullable<GatewayConfig['signIn']>,
  seen: Seen,
  person: PrincipalId,
): boolean {
  if (seen.issuer !== issuer) return false;
  return 'claim' in people || people.subjects[seen.subject] === person;
}
