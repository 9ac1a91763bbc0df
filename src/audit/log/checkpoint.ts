import { HASH_BYTES, type Hash } from './merkle';
import { type NoteSigner, type NoteVerifier, openNote } from './note';

/** A tree head (c2sp.org/tlog-checkpoint): which log, how many leaves, which root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export type ReadCheckpoint =
  | { readonly ok: true; readonly checkpoint: Checkpoint }
  | { readonly ok: false; readonly message: string };

/** Signs a checkpoint as a note. */
export function signCheckpoint({ origin, size, root }: Checkpoint, signer: NoteSigner): string {
  return signer.sign(`${origin}\n${size}\n${root.toString('base64')}\n`);
}

/** Verifies and parses a checkpoint. The origin of a log is the name of its key. */
export function openCheckpoint(note: string, verifier: NoteVerifier): ReadCheckpoint {
  const opened = openNote(note, verifier);
  if (!opened.ok) return opened;
  const [origin = '', digits = '', encoded = ''] = opened.text.split('\n');
  const root = Buffer.from(encoded, 'base64');
  const isCanonical = root.toString('base64') === encoded && /^(0|[1-9]\d{0,15})$/.test(digits);
  const size = Number(digits);
  if (!isCanonical || root.length !== HASH_BYTES || !Number.isSafeInteger(size))
    return { ok: false, message: 'the checkpoint is malformed' };
  if (origin !== verifier.name) return { ok: false, message: `the checkpoint is of another log: ${origin}` };
  return { ok: true, checkpoint: { origin, size, root } };
}
