import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { SourcesData } from '../../directory/sources/sources-file';
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
    if (everyMs === undefined) return report(await readEach(opened, namesIn(sources), read));
    const stopping = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
    await followSources(opened, read, { everyMs, signal: stopping.signal, tell });
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

/** Reads every source at each interval, and one that is pushed also as soon as something was pushed. */
export async function followSources(
  opened: Opened,
  read: (source: string) => Promise<Synced>,
  about: {
    readonly everyMs: number;
    readonly signal: AbortSignal;
    readonly tell: (one: Outcome) => void;
  },
): Promise<void> {
  const { everyMs, signal, tell } = about;
  const changes = new Map<string, string>();
  let nextMs = 0;
  while (!signal.aborted) {
    // What is pushed during a reading is found changed after it.
    const heard = await opened.pushed.heard().catch(() => new Map<string, { readonly changes: string }>());
    const isDue = performance.now() >= nextMs;
    const names = await namesOf(opened);
    const pushed = names.filter((name) => heard.has(name) && heard.get(name)?.changes !== changes.get(name));
    for (const [name, { changes: now }] of heard) changes.set(name, now);
    for (const one of await readEach(opened, isDue ? names : pushed, read)) tell(one);
    if (isDue) nextMs = performance.now() + everyMs;
    const restMs = Math.max(0, nextMs - performance.now());
    await sleep(Math.min(LOOK_EVERY_MS, restMs), undefined, { signal }).catch(() => undefined);
  }
}

/** How often it looks whether something was pushed. */
const LOOK_EVERY_MS = 1_000;

/** Calendars come last, because they speak of people whom sources give. */
const namesIn = ({ sources, calendars }: SourcesData): readonly string[] => [
  ...Object.keys(sources),
  ...Object.keys(calendars),
];

/** The bundle can be unreadable for a moment while it changes; the sources of the last one are then read later. */
const namesOf = ({ root }: Opened): Promise<readonly string[]> =>
  root().then(
    ({ sources }) => namesIn(sources),
    () => [],
  );

/** Reads each source by itself: one that hangs or is away delays no other for longer than it may take. Notes what went wrong. */
async function readEach(
  { store }: Opened,
  names: readonly string[],
  read: (source: string) => Promise<Synced>,
): Promise<readonly Outcome[]> {
  return Promise.all(
    names.map(async (source) => {
      const outcome: Outcome = await read(source).catch((error: unknown) => ({
        source,
        problem: error instanceof Error ? error.message : 'it cannot be read',
      }));
      const problem = 'problem' in outcome ? outcome.problem : undefined;
      // If the database is away, the outcome says so already.
      await store.noteFailure(source, problem, Date.now()).catch(() => undefined);
      return outcome;
    }),
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
