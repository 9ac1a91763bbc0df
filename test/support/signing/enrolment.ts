import { randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import {
  REGISTRATION_TYPE,
  RETIREMENT_TYPE,
  type RegisterRow,
  type RegistrationClaims,
  type RetirementClaims,
} from '../../../src/contracts/enrolment';
import { digestOf } from '../../../src/domain/digest';
import type { JwsEnvelope } from '../../../src/domain/request';
import type { Invited } from '../../../src/signing/enrolment';
import { importSigningKey } from '../../../src/signing/keys';
import { signAs } from '../../../src/signing/sign';
import { type Ceremony, ORIGIN, RP_ID, type SoftwarePasskey } from './passkey';

/** A registration as a browser makes it, and what an attacker has it say otherwise. */
export function claimsOf(
  person: string,
  { credentialId, publicKey }: Pick<SoftwarePasskey, 'credentialId' | 'publicKey'>,
  atMs: number,
  other: Partial<RegistrationClaims> = {},
): RegistrationClaims {
  return {
    sub: person,
    jti: randomUUID(),
    iat: atMs / 1_000,
    credential: { credentialId, publicKey, rpId: RP_ID, origin: ORIGIN },
    ...other,
  };
}

/** Signs a registration with the key that came with the invitation. */
export async function signedByHolder(
  key: Invited['key'],
  claims: object,
  typ = REGISTRATION_TYPE,
): Promise<JwsEnvelope> {
  const read = await importSigningKey(JSON.stringify(key), 'the key of the invitation');
  if (!read.ok) throw new Error(read.message);
  return signAs(typ, claims, read.key);
}

/** Redeems an invitation with a passkey, as the page does. */
export async function redeem(
  { invitation, key }: Invited,
  person: string,
  passkey: Pick<SoftwarePasskey, 'credentialId' | 'publicKey'>,
  atMs: number,
  other: Partial<RegistrationClaims> = {},
): Promise<RegisterRow> {
  const claims = claimsOf(person, passkey, atMs, { invitation: digestOf(invitation), ...other });
  return { invitation, registration: await signedByHolder(key, claims) };
}

/** A further key, signed for by a passkey. */
export function addedBy(
  first: SoftwarePasskey,
  claims: RegistrationClaims,
  ceremony: Ceremony = {},
  typ = REGISTRATION_TYPE,
): RegisterRow {
  return {
    registration: first.sign(
      { ...claims, typ },
      { claims: canonicalize({ ...claims, typ }) ?? '', ...ceremony },
    ),
  };
}

/** A retirement, signed by a passkey. */
export function retiredBy(
  signer: SoftwarePasskey,
  person: string,
  about: Pick<RetirementClaims, 'keyId' | 'keeps'>,
  atMs: number,
): RegisterRow {
  const claims = { ...about, iss: person, jti: randomUUID(), iat: atMs / 1_000 };
  return { retirement: signer.sign({ ...claims, typ: RETIREMENT_TYPE }) };
}
