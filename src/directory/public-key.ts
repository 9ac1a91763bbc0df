import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { digestOf } from '../domain/digest';

/** Members of a JWK that only a private or a shared key has (RFC 7518 section 6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** 32 bytes in base64url, in the one spelling whose unused bits are zero, so that a key has one thumbprint. */
const coordinate = z
  .string()
  .refine(
    (value) => Buffer.from(value, 'base64url').length === 32 && isCanonicalBase64url(value),
    'must be 32 bytes in base64url',
  );
const remarks = {
  kid: z.string().exactOptional(),
  alg: z.string().exactOptional(),
  use: z.literal('sig').exactOptional(),
};

/** Keys for EdDSA and ES256, the two algorithms in which statements are signed. */
const publicJwkSchema = z.discriminatedUnion('kty', [
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate, ...remarks }),
  z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate, ...remarks }),
]);

export type ReadKey =
  | { readonly ok: true; readonly keyId: string; readonly publicJwk: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string };

/** Reads a registered public key, keeping only the members that make it the key it is. */
export function readPublicKey(jwk: unknown): ReadKey {
  const secret = SECRET_MEMBERS.find((member) => typeof jwk === 'object' && jwk !== null && member in jwk);
  if (secret !== undefined)
    return {
      ok: false,
      message: `the key has the private member "${secret}"; treat it as leaked, make a new pair and register only its public half`,
    };
  const parsed = publicJwkSchema.safeParse(jwk);
  if (!parsed.success)
    return { ok: false, message: 'the key is malformed; register a public Ed25519 or P-256 JWK' };
  const { kid: _kid, alg: _alg, use: _use, ...publicJwk } = parsed.data;
  if (!isUsable(publicJwk)) return { ok: false, message: 'the key is not a point on its curve; replace it' };
  return { ok: true, keyId: thumbprintOf(publicJwk), publicJwk };
}

/** RFC 7638: SHA-256 over the required members in canonical order, in base64url. */
function thumbprintOf(requiredMembers: Readonly<Record<string, string>>): string {
  return digestOf(requiredMembers).slice('sha-256:'.length);
}

function isUsable(jwk: Record<string, string>): boolean {
  // Node takes any 32 bytes for an Ed25519 key, so asking it would only cost time in a large directory.
  if (jwk['kty'] === 'OKP') return true;
  try {
    createPublicKey({ key: jwk, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

function isCanonicalBase64url(value: string): boolean {
  return Buffer.from(value, 'base64url').toString('base64url') === value;
}
