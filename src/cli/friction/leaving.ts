import type { Command } from 'commander';
import type { OpenGrant } from '../../domain/precedents';
import { type Leaving, leavingWithin } from '../../friction/leaving';
import { ledgerAddress, PostgresqlLedger } from '../../ledger';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../policy';
import type { Context, Run } from '../context';
import { parseDurationMs, sayDuration } from '../duration';
import { withEnrolledKeys } from '../enrolled';
import { type CommandResult, done, printable, UserError } from '../output';

/** `countersign friction leaving` */
export function defineLeaving(friction: Command, run: Run): void {
  friction
    .command('leaving')
    .description(
      'people and identities near their end date or disabled, and the open grants that end with them',
    )
    .option('--within <duration>', 'how far to look ahead', '30d')
    .action((options: { within: string }) => run((context) => leaving(options.within, context)));
}

async function leaving(within: string, context: Context): Promise<CommandResult> {
  const withinMs = parseDurationMs(within, '--within');
  const nowMs = Date.now();
  const { settings } = context;
  const dir = settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) throw new UserError(`${dir} is no good bundle (countersign policy check ${dir})`);
  const bundle = await withEnrolledKeys(loaded.bundle, context.env, context.announce);
  const principals = bundle.identities.map((one) =>
    // Who is disabled has left already.
    bundle.directory.standingOf(one.id, nowMs)?.active === true
      ? one
      : { ...one, endsAtMs: Math.min(one.endsAtMs ?? nowMs, nowMs) },
  );
  const grants = await openGrants(bundle, context, nowMs);
  const found = leavingWithin(principals, grants ?? [], { nowMs, withinMs });
  const data = { nowMs, withinMs, grantsKnown: grants !== undefined, leaving: found };
  return done(data, ...render(found, grants !== undefined, within, nowMs));
}

/** Nothing where there is no ledger to ask; who leaves is still worth knowing. */
async function openGrants(
  { connectors }: LoadedBundle,
  { env, announce }: Context,
  nowMs: number,
): Promise<readonly OpenGrant[] | undefined> {
  let url: string;
  try {
    url = ledgerAddress(connectors, env);
  } catch (error) {
    announce(`open grants are not known: ${error instanceof Error ? error.message : 'no ledger'}`);
    return undefined;
  }
  const ledger = new PostgresqlLedger({ url, maxConnections: 1 });
  try {
    return await ledger.openGrants(nowMs);
  } catch {
    throw new UserError('the ledger does not answer, so open grants are not known', 1, 'UNREACHABLE');
  } finally {
    await ledger.close();
  }
}

function* render(
  found: readonly Leaving[],
  grantsKnown: boolean,
  within: string,
  nowMs: number,
): Generator<string> {
  if (found.length === 0) yield `nobody leaves within ${within}`;
  for (const { id, endsAtMs, over, grants, answersFor } of found) {
    const when = over
      ? `ended ${sayDuration(nowMs - endsAtMs)} ago`
      : `ends in ${sayDuration(endsAtMs - nowMs)}`;
    yield printable(`${id}  ${when} (${iso(endsAtMs)})`);
    if (grantsKnown && grants.length === 0) yield '  no open grant ends because of it';
    for (const grant of grants)
      yield printable(
        `  grant ${grant.request} on ${grant.connector} ends then, not at ${iso(grant.expiresAtMs)}`,
      );
    for (const one of answersFor) yield printable(`  ${one} needs another owner or sponsor before then`);
  }
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
