import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';

/*
 * Signed notes (c2sp.org/signed-note) with Ed25519 keys: the form in which a log signs its checkpoints. Keys have the form
 * of Go's golang.org/x/mod/sumdb/note, so its tools can read ours.
 */

const ED25519 = 1;
const SEED_BYTES = 32;
/** The DER bytes before the 32 bytes of key, in a PKCS #8 Ed25519 key and in a SubjectPublicKeyInfo (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export interface NoteVerifier {
  readonly name: string;
  verify(text: string, signature: Buffer): boolean;
  readonly keyHash: Buffer;
}

export interface NoteSigner {
  readonly name: string;
  /** The public key, for verifiers. */
  readonly verifierKey: string;
  sign(text: string): string;
}

export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Go's rule for names, which are part of the key hash. */
const NAME = /^[^\s+]+$/u;

const keyHashOf = (name: string, key: Buffer): Buffer =>
  createHash('sha256').update(`${name}\n`).update(key).digest().subarray(0, 4);

/** Generates a key for a log of that name. `signerKey` is secret. */
export function generateNoteKey(name: string): { readonly signerKey: string; readonly verifierKey: string } {
  if (!NAME.test(name)) throw new TypeError('the name of a log must not contain spaces or +');
  const { privateKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-SEED_BYTES);
  const key = publicKeyOf(seed);
  const hash = keyHashOf(name, key).toString('hex');
  const secret = Buffer.concat([Buffer.of(ED25519), seed]).toString('base64');
  return {
    signerKey: `PRIVATE+KEY+${name}+${hash}+${secret}`,
    verifierKey: `${name}+${hash}+${key.toString('base64')}`,
  };
}

/** Returns the algorithm byte and the public key, which the key hash covers. */
function publicKeyOf(seed: Buffer): Buffer {
  const der = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return Buffer.concat([Buffer.of(ED25519), der.subarray(-SEED_BYTES)]);
}

const privateKeyOf = (seed: Buffer) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });

/** Parses a secret key as `generateNoteKey` writes it. Returns undefined if the text is not one. No message contains it. */
export function readNoteSigner(text: string): NoteSigner | undefined {
  const [, name = '', hash = '', secret = ''] =
    /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(secret, 'base64');
  if (bytes.length !== SEED_BYTES + 1 || bytes[0] !== ED25519) return undefined;
  const seed = bytes.subarray(1);
  const key = publicKeyOf(seed);
  const keyHash = keyHashOf(name, key);
  if (keyHash.toString('hex') !== hash) return undefined;
  const privateKey = privateKeyOf(seed);
  return {
    name,
    verifierKey: `${name}+${hash}+${key.toString('base64')}`,
    sign: (note) => {
      const signature = Buffer.concat([keyHash, sign(null, Buffer.from(note), privateKey)]);
      return `${note}\n— ${name} ${signature.toString('base64')}\n`;
    },
  };
}

/** Parses a public key `<name>+<hash>+<base64>`. Returns undefined if the text is not one. */
export function readNoteVerifier(text: string): NoteVerifier | undefined {
  const [, name = '', hash = '', encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== SEED_BYTES + 1 || key[0] !== ED25519) return undefined;
  const keyHash = keyHashOf(name, key);
  if (keyHash.toString('hex') !== hash) return undefined;
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_HEAD, key.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  return {
    name,
    keyHash,
    verify: (note, signature) => verify(null, Buffer.from(note), publicKey, signature),
  };
}

const SIGNATURE_LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u;

/** Returns the text of a note if the key has signed exactly that text. Ignores signatures of other keys. */
export function openNote(note: string, verifier: NoteVerifier): Opened {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return { ok: false, message: 'the text is not a signed note' };
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split('\n');
  for (const line of lines) {
    const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.length < 5) return { ok: false, message: 'a signature line is malformed' };
    if (name !== verifier.name || !bytes.subarray(0, 4).equals(verifier.keyHash)) continue;
    return verifier.verify(text, bytes.subarray(4))
      ? { ok: true, text }
      : { ok: false, message: `the signature of ${name} is invalid` };
  }
  return { ok: false, message: `the note is not signed by ${verifier.name}` };
}
