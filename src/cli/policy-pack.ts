import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { bundleOf, FileTicketSource, readBundleFiles } from '../policy';
import { isPacked } from '../policy/load/bundle-place';
import { canPack } from '../policy/load/packed-bundle';
import { readCases } from '../policy/tryout/bundle-tests';
import { codeOf } from '../stack/errors';
import { badBundle } from './bundle-problems';
import type { Context, Run } from './context';
import { type CommandResult, done, printable, UserError, usageError } from './output';
import { findSigner } from './signer';

interface PackOptions {
  readonly as?: string;
  readonly key?: string;
  readonly output: string;
}

/** `countersign policy pack` */
export function definePack(command: Command, run: Run): void {
  command
    .command('pack')
    .description('write a checked bundle as one signed file, which others take by pinned keys')
    .argument('[dir]', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .option('--as <principal>', 'who signs (default: COUNTERSIGN_AS)')
    .option('--key <file>', 'file of their private key (default: COUNTERSIGN_KEY)')
    .requiredOption('-o, --output <file>', 'file to write; it must not exist yet')
    .action((dir: string | undefined, options: PackOptions) => run((context) => pack(dir, options, context)));
}

async function pack(
  given: string | undefined,
  options: PackOptions,
  context: Context,
): Promise<CommandResult> {
  const dir = given ?? context.settings.COUNTERSIGN_BUNDLE;
  if (await isPacked(dir)) throw usageError(`${dir} is packed already; give the folder of the bundle`);
  const { principal, key } = await findSigner(options, context);
  const read = await readBundleFiles(dir);
  if (!read.ok) return badBundle(dir, read.problems);
  const loaded = bundleOf(read.value, new FileTicketSource(context.settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) return badBundle(dir, loaded.problems);
  const { governs } = await import('../policy/load/check-people.js');
  const { file, policy, directory } = loaded.bundle;
  if (file.keyById(key.keyId, Date.now())?.principal !== principal || !governs(principal, file))
    throw new UserError(
      `${principal} with this key is no governor in directory.yaml of ${dir}; a bundle is packed by somebody who governs`,
      1,
      'NOT_GOVERNANCE',
    );
  const cases = await readCases(dir);
  if (cases.problems.length > 0) return badBundle(dir, cases.problems);
  const files = new Map([...read.value, ...cases.files]);
  const bad = [...files.keys()].find((name) => !canPack(name));
  if (bad !== undefined)
    throw new UserError(`${bad}: a pack cannot hold a file of this name; rename it`, 1, 'PACK_BAD_NAME');
  const { signPack } = await import('../signing/bundle-pack.js');
  await write(options.output, await signPack(files, key));
  return done(
    {
      file: options.output,
      files: files.size,
      keyId: key.keyId,
      policyDigest: policy.digest,
      directoryDigest: directory.digest,
    },
    printable(`wrote ${options.output}: ${files.size} files, signed by ${principal} (key ${key.keyId})`),
    `policy ${policy.digest}`,
    `directory ${directory.digest}`,
    printable(
      `use it as COUNTERSIGN_BUNDLE='${options.output}?keys=FILE', with a file that has the public keys which count`,
    ),
  );
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    throw new UserError(
      codeOf(error) === 'EEXIST'
        ? `${file} exists, and is not written over; name another file`
        : `cannot write ${file}: ${String(codeOf(error))}`,
    );
  }
}
