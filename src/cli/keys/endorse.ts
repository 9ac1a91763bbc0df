import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { type CommandResult, done } from '../output';
import { lineOf } from './list';
import { addKeysOptions, type KeysOptions } from './options';

/** `countersign keys endorse` */
export function defineEndorse(keys: Command, run: Run): void {
  const command = keys
    .command('endorse')
    .description(
      'vouch for a passkey that another governor invited: where they asked for a second word, or when they have left',
    )
    .argument('<key>', 'its id, or the beginning of it');
  addKeysOptions(command).action((keyId: string, options: KeysOptions) =>
    run((context) => endorse(keyId, options, context)),
  );
  addExamples(command, ['keys endorse 3vXq81 --as person/viktor']);
}

async function endorse(typed: string, options: KeysOptions, context: Context): Promise<CommandResult> {
  // Signing takes longer to load than help may take.
  const { findSigner } = await import('../signer.js');
  const { principal, key } = await findSigner(options, context);
  const { signEndorsement } = await import('../../signing/enrolment.js');
  const { findKeyView, withKeys } = await import('./backend.js');
  return withKeys(options, context, async (backend) => {
    const { registration } = findKeyView(await backend.keys(), typed);
    const endorsement = await signEndorsement(registration, principal, key, Date.now());
    const view = await backend.add({ endorsement });
    return done(view, lineOf(view));
  });
}
