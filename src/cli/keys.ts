import { type Command, Option } from 'commander';
import { generateKey, writeKeyFile } from '../signing/keys';
import type { Context } from './context';
import { done, type Outcome, UserError, usageError } from './output';

/** `countersign keys new` */
export function registerKeys(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const keys = program.command('keys').description('signing keys');
  keys
    .command('new')
    .description('make an Ed25519 key: the private part into a file, the public part for directory.yaml')
    .option('-o, --output <file>', 'file for the private key; it must not exist')
    // Its name of old.
    .addOption(new Option('--out <file>').hideHelp())
    .action(({ output, out }: { output?: string; out?: string }) => run(() => makeKey(output ?? out)));
}

async function makeKey(file: string | undefined): Promise<Outcome> {
  if (file === undefined) throw usageError('name the file for the private key (--output FILE)');
  const { keyId, publicJwk, privateJwkText } = await generateKey();
  try {
    await writeKeyFile(file, privateJwkText);
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new UserError(exists ? `${file} exists; keys are never overwritten` : `cannot write ${file}`);
  }
  return done(
    { keyId, publicJwk, file },
    `private key  ${file} (mode 0600; it stays with its owner)`,
    `key id       ${keyId}`,
    `public key   ${JSON.stringify(publicJwk)}`,
    "next         put the public key under the principal's keys in directory.yaml",
  );
}
