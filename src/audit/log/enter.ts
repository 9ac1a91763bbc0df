import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Checkpoint, openCheckpoint } from './checkpoint';
import type { LogHeads, Turn } from './heads';
import { isConsistent } from './merkle';
import { type NoteSigner, type NoteVerifier, readNoteVerifier } from './note';
import { formatProof } from './proof-file';
import { CHECKPOINT_FILE, LogReader } from './reader';
import { LONGEST_RECORD_BYTES, readTile } from './tiles';
import { LogWriter } from './writer';

/** A transparency log: its folder, the key that signs it, and the database that says who may write. */
export interface LogPlace {
  readonly dir: string;
  readonly signer: NoteSigner;
  readonly heads: LogHeads;
}

/**
 * Appends a record to a log, unless it is there already, and returns its proof. Of any number of processes, one writes at a time.
 *
 * @throws Error if the log is inconsistent, or is not the one that the database knows; nothing is appended to such a log
 */
export async function enterIntoLog({ dir, signer, heads }: LogPlace, record: Buffer): Promise<string> {
  const verifier = readNoteVerifier(signer.verifierKey);
  if (verifier === undefined) throw new Error('the key of the log cannot be read');
  // What was once decided is written by whoever comes next, so decide only what can be written.
  if (record.length > LONGEST_RECORD_BYTES) throw new TypeError('a record of a log may have 64 KiB at most');
  mkdirSync(dir, { recursive: true });
  return heads.withTurn(signer.verifierKey, async (turn) => {
    let note = lastOf(dir, verifier, turn);
    const { nextRecord } = turn;
    const writer = LogWriter.open(dir, signer, note);
    if (nextRecord !== undefined && find(dir, verifier, note, nextRecord) === undefined) {
      writer.append([nextRecord]);
      note = writer.note;
    }
    if (note !== undefined && (nextRecord !== undefined || note !== turn.checkpoint))
      await turn.publish(note);
    const known = find(dir, verifier, note, record);
    if (known !== undefined) return formatProof(opened(dir, verifier, note).prove(known));
    await turn.decide(record);
    const index = writer.append([record]);
    await turn.publish(writer.note ?? '');
    return formatProof(opened(dir, verifier, writer.note).prove(index));
  });
}

const find = (dir: string, verifier: NoteVerifier, note: string | undefined, record: Buffer) =>
  note === undefined ? undefined : opened(dir, verifier, note).find(record);

function opened(dir: string, verifier: NoteVerifier, note: string | undefined): LogReader {
  const read = LogReader.open(dir, verifier, note);
  if (!read.ok) throw new Error(read.message);
  return read.log;
}

/**
 * Returns the later of two checkpoints: the one in the folder and the one in the database. They differ if a writer died between the
 * two, or if one of both was restored. The later one must begin with the earlier one, and the folder must hold all of it: a log that
 * went on from an earlier state would contradict proofs that people have.
 */
function lastOf(dir: string, verifier: NoteVerifier, turn: Turn): string | undefined {
  const file = path.join(dir, CHECKPOINT_FILE);
  const notes = [existsSync(file) ? readTile(file).toString('utf8') : undefined, turn.checkpoint];
  const [later, earlier] = notes
    .filter((note) => note !== undefined)
    .map((note) => ({ note, at: verified(note, verifier) }))
    .sort((a, b) => b.at.size - a.at.size);
  if (later === undefined) return undefined;
  const read = LogReader.open(dir, verifier, later.note);
  if (!read.ok)
    throw new Error(
      `${read.message}. The log had ${later.at.size} leaves: restore a copy of its folder that has them, or start a new log with a new key`,
    );
  if (earlier !== undefined && !continues(read.log, later.at, earlier.at))
    throw new Error(`${dir}: the checkpoint in the folder and the one in the database are of different logs`);
  return later.note;
}

function verified(note: string, verifier: NoteVerifier): Checkpoint {
  const checkpoint = openCheckpoint(note, verifier);
  if (!checkpoint.ok) throw new Error(`the last checkpoint of the log: ${checkpoint.message}`);
  return checkpoint.checkpoint;
}

function continues(log: LogReader, later: Checkpoint, earlier: Checkpoint): boolean {
  const proof = log.proveConsistency(earlier.size);
  return isConsistent(earlier.size, earlier.root, later.size, later.root, proof);
}
