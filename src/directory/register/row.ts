import type { z } from 'zod';
import {
  type EndorsementClaims,
  endorsementClaimsSchema,
  type InvitationClaims,
  invitationClaimsSchema,
  type RegisterRow,
  type RegistrationClaims,
  type RetirementClaims,
  registerRowSchema,
  registrationClaimsSchema,
  retirementClaimsSchema,
} from '../../contracts/enrolment';
import { type Digest, digestOf } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { envelopeText, type SignedEnvelope } from '../../domain/request';

/** What an envelope says, and which key it names. Not verified: the judge does that with the key that it finds. */
export interface Said<Claims> {
  readonly envelope: SignedEnvelope;
  readonly keyId: string;
  readonly claims: Claims;
}

/** A passkey that somebody wants to have registered. */
export interface Registered {
  readonly id: Digest;
  readonly row: RegisterRow;
  readonly registration: Said<RegistrationClaims>;
  /** Absent for a further key, which a passkey of the same person signs. */
  readonly invitation?: Said<InvitationClaims>;
}

export type DecodedRow =
  | ({ readonly kind: 'registered' } & Registered)
  | {
      readonly kind: 'endorsed';
      readonly id: Digest;
      readonly row: RegisterRow;
      readonly endorsement: Said<EndorsementClaims>;
    }
  | {
      readonly kind: 'retired';
      readonly id: Digest;
      readonly row: RegisterRow;
      readonly retirement: Said<RetirementClaims>;
    };

/** The id of a row: the digest of its canonical JSON. */
export const rowId = (row: RegisterRow): Digest => digestOf(row);

/** Decodes a row from anywhere. Returns undefined if it is not one, or too large. */
export function decodeRow(value: unknown): DecodedRow | undefined {
  const parsed = registerRowSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const row = parsed.data;
  if (Object.values(row).some((one) => envelopeText(one).length > LIMITS.statementBytes)) return undefined;
  const id = rowId(row);
  if ('endorsement' in row) {
    const endorsement = said(row.endorsement, endorsementClaimsSchema);
    return endorsement && { kind: 'endorsed', id, row, endorsement };
  }
  if ('retirement' in row) {
    const retirement = said(row.retirement, retirementClaimsSchema);
    return retirement && { kind: 'retired', id, row, retirement };
  }
  const registration = said(row.registration, registrationClaimsSchema);
  if (registration === undefined) return undefined;
  if (!('invitation' in row)) return { kind: 'registered', id, row, registration };
  const invitation = readInvitation(row.invitation);
  return invitation && { kind: 'registered', id, row, registration, invitation };
}

/** Reads what an invitation says, without verifying it. Returns undefined if it is not one. */
export const readInvitation = (envelope: SignedEnvelope): Said<InvitationClaims> | undefined =>
  said(envelope, invitationClaimsSchema);

function said<Claims>(envelope: SignedEnvelope, schema: z.ZodType<Claims>): Said<Claims> | undefined {
  // What somebody chose in a channel registers no key.
  if (envelope.format === 'attested') return undefined;
  const [header, payload] =
    envelope.format === 'webauthn'
      ? [{ kid: envelope.credentialId }, withoutType(readJson(envelope.claims))]
      : envelope.jws.split('.', 2).map((part) => readJson(Buffer.from(part, 'base64url').toString('utf8')));
  const claims = schema.safeParse(payload);
  const keyId = typeof header === 'object' && header !== null && 'kid' in header ? header.kid : undefined;
  return claims.success && typeof keyId === 'string' ? { envelope, keyId, claims: claims.data } : undefined;
}

/** The claims of a passkey carry `typ` themselves, since WebAuthn has no header to carry it. */
function withoutType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const { typ: _typ, ...claims } = { typ: undefined, ...value };
  return claims;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
