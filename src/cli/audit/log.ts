import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { openCheckpoint } from '../../audit/log/checkpoint';
import { isConsistent } from '../../audit/log/merkle';
import { generateNoteKey, type NoteVerifier, readNoteVerifier } from '../../audit/log/note';
import { formatProof } from '../../audit/log/proof-file';
import { LogReader } from '../../audit/log/reader';
import { leafOf } from '../../audit/verify/inclusion';
import type { Context, Run } from '../context';
import { type CommandResult, done, failed, UserError, usageError } from '../output';
import { evidenceIn } from './source';

interface Place {
  readonly dir?: string;
  readonly logKey: string;
}

/** `countersign audit log` */
export function defineLog(audit: Command, run: Run): void {
  const log = audit
    .command('log')
    .description('make the key of a transparency log, prove that it holds evidence, check it');
  log
    .command('key')
    .description('make the key of a log; prints the public one')
    .argument('<name>', 'name of the log, such as countersign.example.com/log')
    .requiredOption('-o, --output <file>', 'file for the secret key; it must not exist')
    .action((name: string, { output }: { output: string }) => run(() => newKey(name, output)));
  log
    .command('prove')
    .description('write the proof that the log holds a piece of evidence')
    .argument('<file>', 'evidence')
    .requiredOption('--log-key <key>', 'public key of the log, or the file that holds it')
    .option('--dir <dir>', 'folder of the log (default: COUNTERSIGN_LOG_DIR)')
    .option('-o, --output <file>', 'file to write (default: beside the evidence)')
    .action((file: string, options: Place & { output?: string }) =>
      run((context) => prove(file, options, context)),
    );
  log
    .command('check')
    .description('check that a log is consistent, and that it continues an earlier checkpoint')
    .requiredOption('--log-key <key>', 'public key of the log, or the file that holds it')
    .option('--dir <dir>', 'folder of the log (default: COUNTERSIGN_LOG_DIR)')
    .option('--since <file>', 'a checkpoint that you kept')
    .action((options: Place & { since?: string }) => run((context) => check(options, context)));
}

async function newKey(name: string, output: string): Promise<CommandResult> {
  if (!/^[^\s+]{1,255}$/.test(name)) throw usageError(`${name}: the name of a log has no spaces and no +`);
  const { signerKey, verifierKey } = generateNoteKey(name);
  await write(output, `${signerKey}\n`, 0o600);
  return done({ file: output, key: verifierKey }, verifierKey);
}

async function prove(
  file: string,
  options: Place & { readonly output?: string },
  context: Context,
): Promise<CommandResult> {
  const { evidence } = await evidenceIn(file);
  const log = await opened(options, context);
  const index = found(() => log.find(leafOf(evidence)));
  if (index === undefined)
    throw new UserError(`the log does not contain ${file} in this form`, 1, 'NOT_FOUND');
  const output = options.output ?? `${file.replace(/\.json$/, '')}.tlog-proof`;
  await write(output, formatProof(log.prove(index)), 0o644);
  const { size } = log.checkpoint;
  return done({ file: output, index, size }, `${output}: leaf ${index} of ${size}`);
}

function found<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the log cannot be read');
  }
}

async function check(options: Place & { readonly since?: string }, context: Context): Promise<CommandResult> {
  const log = await opened(options, context);
  const { size, root } = log.checkpoint;
  const data = { size, root: root.toString('base64') };
  const broken = log.check();
  if (broken !== undefined) throw new UserError(`the log is inconsistent: ${broken}`, 1, 'BROKEN_LOG');
  if (options.since === undefined)
    return done(data, `${size} leaves, root ${data.root}: the log is consistent`);
  const earlier = openCheckpoint(
    await readFile(options.since, 'utf8').catch(() => {
      throw new UserError(`cannot read the checkpoint ${options.since}`);
    }),
    await verifierOf(options.logKey),
  );
  if (!earlier.ok) throw new UserError(`${options.since}: ${earlier.message}`);
  const { size: oldSize, root: oldRoot } = earlier.checkpoint;
  const holds = oldSize <= size && isConsistent(oldSize, oldRoot, size, root, log.proveConsistency(oldSize));
  if (holds)
    return done(
      { ...data, since: oldSize, consistent: true },
      `the log of ${size} leaves begins with the ${oldSize} of ${options.since}`,
    );
  const message = `the log was rewritten: it does not begin with the ${oldSize} leaves of ${options.since}`;
  return failed({ code: 'LOG_REWRITTEN', message }, { ...data, since: oldSize, consistent: false });
}

async function opened({ dir: dirOption, logKey }: Place, { settings }: Context): Promise<LogReader> {
  const dir = dirOption ?? settings.COUNTERSIGN_LOG_DIR;
  if (dir === undefined)
    throw usageError('give the folder of the log with --dir, or set COUNTERSIGN_LOG_DIR');
  const read = LogReader.open(dir, await verifierOf(logKey));
  if (!read.ok) throw new UserError(read.message);
  return read.log;
}

/** Reads a public key of a log, either the key itself or the file that holds it. */
export async function verifierOf(key: string): Promise<NoteVerifier> {
  const verifier = readNoteVerifier(key) ?? readNoteVerifier(await readFile(key, 'utf8').catch(() => ''));
  if (verifier === undefined)
    throw new UserError(`${key} is neither a key of a log (NAME+HASH+KEY) nor a file that holds one`);
  return verifier;
}

async function write(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode });
  } catch {
    throw new UserError(`cannot write ${file}; it exists already, or its folder does not`);
  }
}
