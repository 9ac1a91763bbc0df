import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { HeldChange } from '../../directory/sources/accept';
import type { StoredSnapshot } from '../../directory/sources/store';
import type { Context, Run } from '../context';
import { AS_HELP, addExamples, KEY_HELP } from '../help';
import { type CommandResult, done, printable, UserError } from '../output';
import type { SignerOptions } from '../signer';

interface ReleaseOptions extends SignerOptions {
  readonly reason?: string;
}

/** `countersign directory release` */
export function defineRelease(directory: Command, run: Run): void {
  const command = directory
    .command('release')
    .description('sign, as a governor, that a held change of a source may count')
    .argument('<change>', 'its id, or the beginning of it (countersign directory show)')
    .option('--as <principal>', `governor who signs, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--reason <text>', 'why, for the record')
    .action((change: string, options: ReleaseOptions) => run((context) => release(change, options, context)));
  addExamples(command, [
    'directory release sha-256:Jx0 --as person/nadia --key nadia.jwk --reason "two teams merged"',
  ]);
}

async function release(typed: string, options: ReleaseOptions, context: Context): Promise<CommandResult> {
  // Signing takes longer to load than help may take.
  const { findSigner } = await import('../signer.js');
  const { withOpened } = await import('./opened.js');
  const { signRelease, verifyRelease } = await import('../../signing/sources.js');
  const { principal, key } = await findSigner(options, context);
  return withOpened(context, SILENT_LOGGER, async ({ store, root }) => {
    const { source, change } = findChange(await store.latest(), typed);
    if (change.people.includes(principal))
      throw new UserError(
        `CONFLICTED: ${principal} cannot release a change that is about themselves`,
        1,
        'CONFLICTED',
      );
    const about = {
      source,
      change: change.id,
      ...(options.reason !== undefined && { reason: options.reason }),
    };
    const jws = await signRelease(about, principal, key, Date.now());
    const verified = await verifyRelease(jws, source, (await root()).file, Date.now());
    if (!verified.ok) {
      const { code, detail } = verified.refusal;
      throw new UserError(`${code}: ${detail}`, 1, code);
    }
    await store.addRelease(source, change.id, jws);
    return done(
      { source, ...change, releasedBy: principal },
      printable(`released: ${change.about}: ${change.why}; it counts when ${source} is read next`),
    );
  });
}

function findChange(
  stored: readonly StoredSnapshot[],
  typed: string,
): { readonly source: string; readonly change: HeldChange } {
  const all = stored.flatMap(({ snapshot: { source }, held }) => held.map((change) => ({ source, change })));
  const [only, ...others] = all.filter(({ change }) => change.id.startsWith(typed));
  if (only === undefined)
    throw new UserError(
      `no held change begins with ${typed}; see countersign directory show`,
      1,
      'NOT_FOUND',
    );
  if (others.length > 0)
    throw new UserError(`${typed} is the beginning of several changes; write more of it`, 1, 'AMBIGUOUS');
  return only;
}
