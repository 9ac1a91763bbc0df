import { type Command, Option } from 'commander';
import type { Run } from '../context';
import { type CommandResult, done, UserError, usageError } from '../output';

/** `countersign keys new` */
export function defineNew(command: Command, run: Run): void {
  command
    .command('new')
    .description('make an Ed25519 key: the private part into a file, the public part for directory.yaml')
    .option('-o, --output <file>', 'file for the private key; it must not exist')
    // Its former name.
    .addOption(new Option('--out <file>').hideHelp())
    .action(({ output, out }: { output?: string; out?: string }) => run(() => makeKey(output ?? out)));
}

async function makeKey(file: string | undefined): Promise<CommandResult> {
  if (file === undefined) throw usageError('name the file for the private key (--output FILE)');
  // Making keys takes longer to load than help may take.
  const { generateKey, writeKeyFile } = await import('../../signing/keys.js');
  const { keyId, publicJwk, privateJwkText } = await generateKey();
  try {
    await writeKeyFile(file, privateJwkText);
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new UserError(exists ? `${file} exists; keys are never overwritten` : `cannot write ${file}`);
  }
  const entry = { jwk: publicJwk, assurance: 'key', channel: 'cli' };
  return done(
    { keyId, publicJwk, file, entry },
    `private key  ${file} (mode 0600; it stays with its owner)`,
    `key id       ${keyId}`,
    'next         paste these lines into directory.yaml, under the person or identity that signs with it:',
    '    keys:',
    // JSON is YAML too, so this can be pasted as it is.
    `      - ${JSON.stringify(entry)}`,
    '             if it has `keys:` already, paste the second line alone',
  );
}
