import type { Command } from 'commander';
import { generateKey, writeKeyFile } from '../signing/keys';
import type { Context } from './context';
import { done, type Outcome, UserError } from './output';

/** `countersign keys new` */
export function registerKeys(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const keys = program.command('keys').description('signing keys');
  keys
    .command('new')
    .description('make an Ed25519 key: the private part into a file, the public part for directory.yaml')
    .requiredOption('-o, --out <file>', 'file for the private key; it must not exist')
    .action(({ out }: { out: string }) => run(() => makeKey(out)));
}

async function makeKey(file: string): Promise<Outcome> {
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
