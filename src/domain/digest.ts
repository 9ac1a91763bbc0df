import { sha256 } from '@noble/hashes/sha2.js';
import canonicalize from 'canonicalize';
import { accepted, type Result, refused } from './refusal';
import type { AccessRequest } from './request';

/** `sha-256:`, then 32 bytes in base64url. */
export type Digest = string;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Base64url without padding (RFC 4648 section 5); the workflow sandbox has neither `Buffer` nor `btoa`. */
function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(index, index + 3);
    const group = (first << 16) | (second << 8) | third;
    const digits = Math.min(bytes.length - index, 3) + 1;
    for (let digit = 0; digit < digits; digit += 1) text += ALPHABET[(group >> (18 - 6 * digit)) & 63];
  }
  return text;
}

/** SHA-256 over the UTF-8 bytes of a text. */
export function digestOfText(text: string): Digest {
  return `sha-256:${base64url(sha256(new TextEncoder().encode(text)))}`;
}

/** SHA-256 over RFC 8785 canonical JSON. `value` must be plain JSON data; undefined members are left out. Throws for NaN and cycles. */
export function digestOf(value: unknown): Digest {
  return digestOfText(canonicalize(value) ?? 'null');
}

/** As `digestOf`, but refuses what is not JSON data: NaN, cycles, nesting too deep for the stack. */
export function tryDigestOf(value: unknown): Result<Digest> {
  try {
    return accepted(digestOf(value));
  } catch {
    return refused('MALFORMED', 'it cannot be written as canonical JSON');
  }
}

/** The digest that statements are bound to. It covers the whole request; its proof is not part of it. */
export function requestDigest(request: AccessRequest): Digest {
  return digestOf(request);
}
