import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { Synced } from '../../directory/sources/sync';
import type { Context, Run } from '../context';
import { parseDurationMs } from '../duration';
import { AS_HELP, addExamples, KEY_HELP } from '../help';
import { createLogger } from '../logger';
import { type CommandResult, done, printable, UserError } from '../output';
import type { SignerOptions } from '../signer';
import type { Opened } from './opened';

interface SyncOptions extends SignerOptions {
  readonly every?: string;
}

/** `countersign directory sync` */
export function defineSync(directory: Command, run: Run): void {
  const command = directory
    .command('sync')
    .description('read the sources of sources.yaml, and take over what counts')
    .option('--as <principal>', `the reader that signs what was taken, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--every <duration>', 'go on, and read each source again after this long')
    .action((options: SyncOptions) => run((context) => sync(options, context)));
  addExamples(
    command,
    ['directory sync --as service/directory --key directory.jwk'],
    ['directory sync --as service/directory --key directory.jwk --every 15s'],
  );
}

type Outcome = Synced | { readonly source: string; readonly problem: string };

async function sync(options: SyncOptions, context: Context): Promise<CommandResult> {
  const everyMs = options.every === undefined ? undefined : parseDurationMs(options.every, '--every');
  const logger = everyMs === undefined ? SILENT_LOGGER : createLogger(context.settings.COUNTERSIGN_LOG_LEVEL);
  // What reads and signs takes longer to load than help may take.
  const [{ findSigner }, { withOpened }, { readerOf }] = [
    await import('../signer.js'),
    await import('./opened.js'),
    await import('./reader.js'),
  ];
  const signer = await findSigner(options, context);
  return withOpened(context, logger, async (opened) => {
    const { sources } = await opened.root();
    if (!sources.readers.includes(signer.principal))
      throw new UserError(`${signer.principal} is not in "readers" of sources.yaml`, 1, 'NOT_ELIGIBLE');
    const read = readerOf(opened, signer, logger);
    if (everyMs === undefined) return report(await readAll(opened, read));
    const stopping = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
    while (!stopping.signal.aborted) {
      for (const one of await readAll(opened, read)) tell(one);
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    return done({ stopped: true });
  });

  function tell(one: Outcome): void {
    if ('problem' in one)
      logger.error(one, 'ALERT a source cannot be read; what it gave last goes on to count');
    else if (one.held.length > 0)
      logger.error(
        { source: one.source, held: one.held.map(({ id, about, why }) => `${id} ${about}: ${why}`) },
        'ALERT changes of a source are held; see countersign directory show, then directory release',
      );
    else if (one.differences.length > 0) logger.info(one, 'a source has changed');
  }
}

/** Reads each source by itself: one that hangs or is away delays no other for longer than it may take. */
async function readAll(
  { root }: Opened,
  read: (source: string) => Promise<Synced>,
): Promise<readonly Outcome[]> {
  const names = Object.keys((await root()).sources.sources);
  return Promise.all(
    names.map((source) =>
      read(source).catch((error: unknown) => ({
        source,
        problem: error instanceof Error ? error.message : 'it cannot be read',
      })),
    ),
  );
}

function report(outcomes: readonly Outcome[]): CommandResult {
  const failed = outcomes.flatMap((one) => ('problem' in one ? [`${one.source}: ${one.problem}`] : []));
  if (failed.length > 0)
    throw new UserError(`${failed.join('; ')}; what it gave last goes on to count`, 1, 'UNREACHABLE');
  const lines = outcomes.flatMap((one) => ('problem' in one ? [] : [...linesOf(one)]));
  return done({ sources: outcomes }, ...lines.map(printable));
}

function* linesOf({ source, people, differences, held, remarks }: Synced): Generator<string> {
  yield `${source}: ${people} people are active, ${differences.length} changes`;
  for (const line of differences.slice(0, 50)) yield `  ${line}`;
  if (differences.length > 50) yield `  and ${differences.length - 50} more`;
  for (const line of remarks) yield `  note: ${line}`;
  for (const { id, about, why } of held)
    yield `  held: ${about}: ${why} (countersign directory release ${id})`;
}
