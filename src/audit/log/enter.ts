import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { withPidLock } from '../../stack/pid-lock';
import { type NoteSigner, readNoteVerifier } from './note';
import { formatProof } from './proof-file';
import { CHECKPOINT_FILE, LogReader } from './reader';
import { LogWriter } from './writer';

/**
 * Appends a record to a log, unless it holds it already, and yields the proof. One process at a time.
 *
 * @throws Error where the log does not hold together; nothing is ever appended to such a one
 */
export async function enterIntoLog(dir: string, signer: NoteSigner, record: Buffer): Promise<string> {
  const verifier = readNoteVerifier(signer.verifierKey);
  if (verifier === undefined) throw new Error('the key of the log cannot be read');
  mkdirSync(dir, { recursive: true });
  return withPidLock(path.join(dir, '.lock'), async () => {
    const open = () => {
      const opened = LogReader.open(dir, verifier);
      if (!opened.ok) throw new Error(opened.message);
      return opened.log;
    };
    const isNew = !existsSync(path.join(dir, CHECKPOINT_FILE));
    const known = isNew ? undefined : open().find(record);
    const index = known ?? LogWriter.open(dir, signer).append([record]);
    return formatProof(open().prove(index));
  });
}
