import { z } from 'zod';
import { LIMITS } from '../domain/limits';
import { identifier, jwsEnvelopeSchema, line, principalId, signedEnvelopeSchema } from './request';

/** JOSE `typ` of an invitation: a governor lets one person register one passkey. */
export const INVITATION_TYPE = 'countersign-enrolment+jwt';
/** JOSE `typ` of a registration: the invited person, or one of their passkeys, names the new passkey. */
export const REGISTRATION_TYPE = 'countersign-registration+jwt';
/** JOSE `typ` of a governor's word for a registration that another governor's invitation led to. */
export const ENDORSEMENT_TYPE = 'countersign-endorsement+jwt';
/** JOSE `typ` of a retirement: a passkey counts no more. */
export const RETIREMENT_TYPE = 'countersign-retirement+jwt';

/** The role whose holders invite, endorse, and retire the keys of others. */
export const ENROLLING_ROLE = 'iam-operations';

/** From `iat` to `exp` of an invitation. */
export const LONGEST_INVITATION_MS = 7 * 86_400_000;
/** Passkeys of one person that count at a time. */
export const MOST_KEYS_OF_ONE = 16;
/** Rows of a register. Readers refuse a longer one as a whole, so that a flood cannot push a retirement out. */
export const MOST_ROWS = 20_000;
/** How many signatures a key may be away from `directory.yaml`. */
export const LONGEST_CHAIN = 32;
/** Keys that a retirement may name as staying. */
const MOST_KEPT = 64;

/** Seconds since the epoch (RFC 7519 section 2). */
const numericDate = z.number().min(0).max(8_640_000_000_000);
const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');
/** A credential id or the thumbprint of a JWK, base64url. */
export const keyIdSchema = z
  .string()
  .max(1_400)
  .regex(/^[\w-]+$/, 'is not a key id');
const rpId = z.hostname().max(253);
const origin = z.string().max(300);
const coordinate = z.string().length(43);

/**
 * Claims of an invitation. `cnf` is the public half of a key made for this invitation alone; its private half is in the fragment of
 * the link and reaches no server, so only who has the link can register with it.
 */
export const invitationClaimsSchema = z.strictObject({
  iss: principalId,
  sub: principalId,
  jti: identifier,
  iat: numericDate,
  exp: numericDate,
  rpId,
  origin,
  endorse: z.literal(true).exactOptional(),
  cnf: z.strictObject({
    jwk: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
  }),
});
export type InvitationClaims = z.infer<typeof invitationClaimsSchema>;

/**
 * Claims of a registration. An invited one names the digest of its invitation (`digestOf` the envelope) and is signed by the key in
 * the invitation's `cnf`; a further one is signed by a passkey of the same person. `seen` is who the identity provider said that the
 * person is, where they signed in there first: it is for the record and gives nothing.
 */
export const registrationClaimsSchema = z.strictObject({
  sub: principalId,
  jti: identifier,
  iat: numericDate,
  invitation: digest.exactOptional(),
  credential: z.strictObject({ credentialId: keyIdSchema, publicKey: keyIdSchema, rpId, origin }),
  label: line(64).exactOptional(),
  seen: z.strictObject({ issuer: line(512), subject: line(512) }).exactOptional(),
});
export type RegistrationClaims = z.infer<typeof registrationClaimsSchema>;

/** Claims of an endorsement. `registration` is the id of the row (`rowId`). */
export const endorsementClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  registration: digest,
});
export type EndorsementClaims = z.infer<typeof endorsementClaimsSchema>;

/**
 * Claims of a retirement. What the key had signed for others to register counts no more either, but for the keys in `keeps`: someone
 * who lost a telephone keeps the laptop that they had added with it, and not what a thief added.
 */
export const retirementClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  keyId: keyIdSchema,
  keeps: z.array(keyIdSchema).max(MOST_KEPT).exactOptional(),
  reason: line(LIMITS.ticketCharacters).exactOptional(),
});
export type RetirementClaims = z.infer<typeof retirementClaimsSchema>;

/** A row of the register as it is stored and kept in evidence. Nothing but the signatures in it makes it count. */
export const registerRowSchema = z.union([
  z.strictObject({ invitation: signedEnvelopeSchema, registration: jwsEnvelopeSchema }),
  z.strictObject({ registration: signedEnvelopeSchema }),
  z.strictObject({ endorsement: signedEnvelopeSchema }),
  z.strictObject({ retirement: signedEnvelopeSchema }),
]);
export type RegisterRow = z.infer<typeof registerRowSchema>;
