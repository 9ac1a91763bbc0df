import type { Command } from 'commander';
import type { KeyView } from '../../directory/register/enrolment';
import { isPrincipalId } from '../../domain/principal';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { type CommandResult, done, printable, usageError } from '../output';
import { addKeysOptions, type KeysOptions } from './options';

/** `countersign keys list` */
export function defineList(keys: Command, run: Run): void {
  const command = keys
    .command('list')
    .description('list enrolled passkeys, with who vouched for each; governors see those of others')
    .argument('[person]', 'only those of this person, for example person/mira');
  addKeysOptions(command).action((person: string | undefined, options: KeysOptions) =>
    run((context) => list(person, options, context)),
  );
  addExamples(command, ['keys list person/mira --as person/nadia --gateway https://access.example.com']);
}

async function list(
  person: string | undefined,
  options: KeysOptions,
  context: Context,
): Promise<CommandResult> {
  if (person !== undefined && !isPrincipalId(person))
    throw usageError(`${JSON.stringify(person)} is not a principal id such as person/mira`);
  // What reaches the register takes longer to load than help may take.
  const { withKeys } = await import('./backend.js');
  const keys = await withKeys(options, context, (backend) => backend.keys(person));
  const whose = person === undefined ? 'there are no enrolled passkeys' : `${person} has no enrolled passkey`;
  return done({ keys }, ...(keys.length === 0 ? [whose] : keys.map(lineOf)));
}

/** One line about a key. */
export function lineOf({
  keyId,
  person,
  state,
  label,
  origin,
  enrolledAt,
  vouchedBy,
  refusal,
}: KeyView): string {
  const by = vouchedBy.length === 0 ? 'added by its owner' : `vouched for by ${vouchedBy.join(' and ')}`;
  const why = refusal === undefined ? by : `${refusal.code}: ${refusal.detail}`;
  const named = label === undefined ? '' : ` "${label}"`;
  return printable(
    `${keyId.slice(0, 16)}  ${person}${named}  ${state}  ${origin}  since ${enrolledAt.slice(0, 16)}Z  ${why}`,
  );
}
