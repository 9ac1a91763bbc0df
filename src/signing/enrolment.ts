import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import {
  ENDORSEMENT_TYPE,
  type EndorsementClaims,
  INVITATION_TYPE,
  type InvitationClaims,
  invitationClaimsSchema,
  MOST_ROWS,
  RETIREMENT_TYPE,
  type RetirementClaims,
} from '../contracts/enrolment';
import type { Holds } from '../directory/register/judge';
import { digestOfText } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { JwsEnvelope, SignedEnvelope } from '../domain/request';
import type { SigningKey } from './keys';
import { signAs } from './sign';
import { SignatureVerifier } from './verify';

/** Signatures that are remembered as verified or not; twice the most that one register can hold. */
const MOST_KNOWN = 4 * MOST_ROWS;

/**
 * Returns what verifies the signatures in rows of the register, by one key at a time (`judgeRegister` finds the key). It remembers what it
 * verified, so that a register of which one row changed is not verified as a whole again.
 */
export function rowSignatures(): Holds {
  const known = new Map<string, Promise<boolean>>();
  return (envelope, type, key) => {
    const name = digestOfText(JSON.stringify([type, envelope, key]));
    if (known.size > MOST_KNOWN) known.clear();
    const found =
      known.get(name) ??
      new SignatureVerifier({ keyById: () => key }).verify(envelope, type, 0).then(({ ok }) => ok);
    known.set(name, found);
    return found;
  };
}

export interface InvitationTerms {
  readonly person: PrincipalId;
  readonly rpId: string;
  readonly origin: string;
  readonly lifeMs: number;
  /** Whether a second governor has to endorse the registration. */
  readonly endorse: boolean;
}

/** An invitation with the private half of the key in its `cnf`, as JWK. Both go into the fragment of the link, and nowhere else. */
export interface Invited {
  readonly invitation: SignedEnvelope;
  readonly key: {
    readonly kty: 'EC';
    readonly crv: 'P-256';
    readonly x: string;
    readonly y: string;
    readonly d: string;
  };
}

const holderKeySchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().length(43),
  y: z.string().length(43),
  d: z.string().length(43),
});

/** Signs an invitation as the governor `issuer`, with a new key for the one who is invited. */
export async function signInvitation(
  { person, lifeMs, endorse, ...terms }: InvitationTerms,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<Invited> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const holder = holderKeySchema.parse(await exportJWK(pair.privateKey));
  const { d: _private, ...jwk } = holder;
  const iat = nowMs / 1_000;
  const claims: InvitationClaims = invitationClaimsSchema.parse({
    ...terms,
    iss: issuer,
    sub: person,
    jti: randomUUID(),
    iat,
    exp: iat + lifeMs / 1_000,
    ...(endorse && { endorse: true }),
    cnf: { jwk },
  });
  return { invitation: await signAs(INVITATION_TYPE, claims, key), key: holder };
}

/** The link that the invited person opens. Browsers do not send what follows `#`. */
export const invitationLink = (origin: string, invited: Invited): string =>
  `${origin}/enrol#${Buffer.from(JSON.stringify(invited)).toString('base64url')}`;

/** Signs, as a governor, for a registration that another governor's invitation led to. */
export const signEndorsement = (
  registration: string,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<JwsEnvelope> => {
  const claims: EndorsementClaims = { iss: issuer, jti: randomUUID(), iat: nowMs / 1_000, registration };
  return signAs(ENDORSEMENT_TYPE, claims, key);
};

/** Signs that a passkey counts no more. */
export const signRetirement = (
  about: Pick<RetirementClaims, 'keyId' | 'keeps' | 'reason'>,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<JwsEnvelope> => {
  const claims: RetirementClaims = { ...about, iss: issuer, jti: randomUUID(), iat: nowMs / 1_000 };
  return signAs(RETIREMENT_TYPE, claims, key);
};
