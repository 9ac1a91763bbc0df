import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import { z } from 'zod';
import { CountersignError } from '../contracts/error';
import { isOpenToOthers } from './secret-file';

/** Signature algorithms that statements may use, by the kind of key (RFC 8037 and RFC 7518 section 3.4). */
export type StatementAlgorithm = 'EdDSA' | 'ES256';

const publicJwkSchema = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().length(43) }),
  z.object({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: z.string().length(43),
    y: z.string().length(43),
  }),
]);
const privateJwkSchema = z.intersection(publicJwkSchema, z.object({ d: z.string().length(43) }));

/** A key that can sign. Its private part stays inside the imported key object and appears in no log or error. */
export interface SigningKey {
  readonly keyId: string;
  readonly algorithm: StatementAlgorithm;
  readonly key: CryptoKey;
}

export interface NewKey {
  readonly keyId: string;
  readonly publicJwk: Record<string, string>;
  /** Private key as JSON text, to be written to a file that only its owner reads. */
  readonly privateJwkText: string;
}

export type KeyFileResult =
  | { readonly ok: true; readonly key: SigningKey }
  | { readonly ok: false; readonly message: string };

/** Returns the one algorithm that a key of this kind may be used with, whatever a token's header says. */
export function algorithmOf(publicJwk: Readonly<Record<string, string>>): StatementAlgorithm | undefined {
  const parsed = publicJwkSchema.safeParse(publicJwk);
  if (!parsed.success) return undefined;
  return parsed.data.kty === 'OKP' ? 'EdDSA' : 'ES256';
}

/** Makes a new Ed25519 key. `keyId` is the RFC 7638 thumbprint. */
export async function generateKey(): Promise<NewKey> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const publicJwk = publicJwkSchema.parse(await exportJWK(publicKey));
  const privateJwk = await exportJWK(privateKey);
  const keyId = await calculateJwkThumbprint(publicJwk);
  return { keyId, publicJwk, privateJwkText: `${JSON.stringify(privateJwk)}\n` };
}

/** Writes a private key to a new file with mode 0600. Never overwrites a file, because a lost key cannot be recovered. */
export async function writeKeyFile(file: string, privateJwkText: string): Promise<void> {
  await writeFile(file, privateJwkText, { mode: 0o600, flag: 'wx' });
  await chmod(file, 0o600);
}

/** Reads a private key in JWK form. Messages name the file and never its content. */
export async function tryReadKeyFile(file: string): Promise<KeyFileResult> {
  let content: string;
  try {
    const found = await stat(file);
    if (found.size > 16 * 1024) return { ok: false, message: `${file} is too large for a key file` };
    if (isOpenToOthers(found))
      return {
        ok: false,
        message: `${file} can be read by others; run chmod 600 on it, and consider a new key`,
      };
    content = await readFile(file, 'utf8');
  } catch {
    return { ok: false, message: `cannot read the key file ${file}` };
  }
  return importSigningKey(content, file);
}

/**
 * Reads a private key in JWK form.
 *
 * @throws CountersignError `BAD_KEY` that names the file and what to do, and never its content
 */
export async function readKeyFile(file: string): Promise<SigningKey> {
  const read = await tryReadKeyFile(file);
  if (!read.ok) throw new CountersignError('BAD_KEY', read.message);
  return read.key;
}

/** Imports a private key from JWK text. `origin` names it in messages. */
export async function importSigningKey(privateJwkText: string, origin: string): Promise<KeyFileResult> {
  const parsed = privateJwkSchema.safeParse(parseJson(privateJwkText));
  if (!parsed.success)
    return {
      ok: false,
      message: `${origin} holds no Ed25519 or P-256 private key in JWK form (countersign keys new)`,
    };
  const { d: _private, ...publicJwk } = parsed.data;
  const algorithm = publicJwk.kty === 'OKP' ? 'EdDSA' : 'ES256';
  try {
    const key = await importJWK(parsed.data satisfies JWK, algorithm);
    if (key instanceof Uint8Array) return { ok: false, message: `${origin} holds a symmetric key` };
    return { ok: true, key: { keyId: await calculateJwkThumbprint(publicJwk), algorithm, key } };
  } catch {
    return { ok: false, message: `${origin} holds a damaged key` };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
