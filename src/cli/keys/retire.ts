import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { type CommandResult, done } from '../output';
import { addKeysOptions, type KeysOptions } from './options';

interface RetireOptions extends KeysOptions {
  readonly keep?: readonly string[];
  readonly reason?: string;
}

/** `countersign keys retire` */
export function defineRetire(keys: Command, run: Run): void {
  const command = keys
    .command('retire')
    .description('retire an enrolled passkey: it counts no more, at once and for good')
    .argument('<key>', 'its id, or the beginning of it');
  addKeysOptions(command)
    .option(
      '--keep <key>',
      'a key that the retired one had signed for, and that goes on to count; repeat it for each',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--reason <text>', 'why, for the record, for example lost')
    .action((keyId: string, options: RetireOptions) => run((context) => retire(keyId, options, context)));
  addExamples(command, ['keys retire 3vXq81 --as person/nadia --reason lost']);
}

async function retire(typed: string, options: RetireOptions, context: Context): Promise<CommandResult> {
  // Signing takes longer to load than help may take.
  const { findSigner } = await import('../signer.js');
  const { principal, key } = await findSigner(options, context);
  const { signRetirement } = await import('../../signing/enrolment.js');
  const { findKeyView, withKeys } = await import('./backend.js');
  return withKeys(options, context, async (backend) => {
    const known = await backend.keys();
    const { keyId, person } = findKeyView(known, typed);
    const keeps = (options.keep ?? []).map((one) => findKeyView(known, one).keyId);
    const about = {
      keyId,
      ...(keeps.length > 0 && { keeps }),
      ...(options.reason !== undefined && { reason: options.reason }),
    };
    const view = await backend.add({ retirement: await signRetirement(about, principal, key, Date.now()) });
    return done({ ...view, keeps }, `retired ${keyId} of ${person}; nothing that it signs counts any more`);
  });
}
