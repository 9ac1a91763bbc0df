import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { SourcePerson } from '../../directory/sources/snapshot';
import type { CalendarRules, SourcesData } from '../../directory/sources/sources-file';
import type { StoredSnapshot } from '../../directory/sources/store';
import type { LoadedBundle } from '../../policy';
import type { Context, Run } from '../context';
import { sayDuration } from '../duration';
import { addExamples } from '../help';
import { parseMomentMs } from '../moment';
import { type CommandResult, done, printable, UserError, usageError } from '../output';

/** `countersign directory show` */
export function defineShow(directory: Command, run: Run): void {
  const command = directory
    .command('show')
    .description('show the sources with what is held, or one person: from where, since when, in which groups')
    .argument('[who]', 'a person, such as person/mira, or the group of a calendar, such as on-call')
    .option('--at <time>', 'who is on call at this time, for the group of a calendar (default: now)')
    .action((who: string | undefined, options: { readonly at?: string }) =>
      run((context) => show(who, options.at, context)),
    );
  addExamples(
    command,
    ['directory show'],
    ['directory show person/mira'],
    ['directory show on-call --at 2026-11-21T23:00[Europe/Berlin]', 'the calendar is read now'],
  );
}

async function show(
  person: string | undefined,
  at: string | undefined,
  context: Context,
): Promise<CommandResult> {
  const { withOpened } = await import('./opened.js');
  const { SnapshotVerifier, withSources } = await import('../../policy/index.js');
  return withOpened(context, SILENT_LOGGER, async ({ store, root }) => {
    const bundle = await root();
    const stored = await store.latest();
    const nowMs = Date.now();
    const ofGroup = Object.entries(bundle.sources.calendars).filter(([, { group }]) => group === person);
    if (person !== undefined && ofGroup.length > 0) {
      const atMs = at === undefined ? nowMs : parseMomentMs(at, '--at', 'after');
      return showOnCall(person, ofGroup, { bundle, stored, atMs });
    }
    if (at !== undefined) throw usageError('--at: goes with the group of a calendar in sources.yaml');
    if (person !== undefined) {
      const composed = await withSources({ current: async () => bundle }, store, SILENT_LOGGER).current();
      return showPerson(person, bundle, composed, stored, nowMs);
    }
    const counting = await new SnapshotVerifier(SILENT_LOGGER, Date.now).counting(
      bundle,
      bundle.sources,
      stored,
    );
    const { sources: declared, calendars } = bundle.sources;
    const sources = [...Object.keys(declared), ...Object.keys(calendars)].map((name) => {
      const one = counting.find(({ snapshot }) => snapshot.source === name);
      const { held = [], remarks = [] } = stored.find(({ snapshot }) => snapshot.source === name) ?? {};
      return {
        name,
        ...(one !== undefined && {
          digest: one.digest,
          readAt: new Date(one.readAtMs).toISOString(),
          stale: one.isStale,
          active: one.snapshot.people.filter(({ active }) => active).length,
          left: one.snapshot.people.filter(({ active }) => !active).length,
          groups: Object.fromEntries(
            Object.entries(one.snapshot.groups).map(([group, ids]) => [group, ids.length]),
          ),
        }),
        held,
        remarks,
      };
    });
    return done({ sources }, ...sources.flatMap((one) => [...linesOf(one, nowMs)]).map(printable));
  });
}

function* linesOf(
  one: {
    readonly name: string;
    readonly readAt?: string;
    readonly stale?: boolean;
    readonly active?: number;
    readonly left?: number;
    readonly groups?: Readonly<Record<string, number>>;
  } & Pick<StoredSnapshot, 'held' | 'remarks'>,
  nowMs: number,
): Generator<string> {
  const { name, readAt, stale, active, left, groups = {}, held, remarks } = one;
  if (readAt === undefined) {
    yield `${name}: nothing of it counts; run countersign directory sync`;
    return;
  }
  const away = stale === true ? '; away for too long, so its groups and roles count no more' : '';
  yield `${name}: ${active} people are active, ${left} left; read ${sayDuration(nowMs - Date.parse(readAt))} ago${away}`;
  for (const [group, size] of Object.entries(groups)) yield `  ${group}: ${size} members`;
  for (const line of remarks) yield `  note: ${line}`;
  for (const { id, about, why } of held)
    yield `  held: ${about}: ${why} (countersign directory release ${id})`;
}

/** Reads the calendars of a group, and says who is on call by them. What counts is what `directory sync` took. */
async function showOnCall(
  group: string,
  calendars: readonly (readonly [string, CalendarRules])[],
  about: {
    readonly bundle: LoadedBundle & { readonly sources: SourcesData };
    readonly stored: readonly StoredSnapshot[];
    readonly atMs: number;
  },
): Promise<CommandResult> {
  const { readOnCall } = await import('../../directory/sources/on-call.js');
  const { knownIn } = await import('./reader.js');
  const known = knownIn(about.bundle, about.stored);
  const read = await Promise.all(
    calendars.map(async ([name, rules]) => ({
      name,
      ...(await readOnCall(rules, about.atMs, (id) => known.has(id)).catch((error: unknown) => {
        throw new UserError(
          `${name}: ${error instanceof Error ? error.message : 'it cannot be read'}`,
          1,
          'UNREACHABLE',
        );
      })),
    })),
  );
  const at = new Date(about.atMs).toISOString();
  const people = [...new Set(read.flatMap((one) => one.people))].sort();
  return done(
    { group, at, people, calendars: read },
    printable(`${group} at ${at}: ${people.join(', ') || 'nobody'}`),
    ...read.flatMap(({ name, remarks }) => remarks.map((line) => printable(`  note: ${name}: ${line}`))),
  );
}

function showPerson(
  id: string,
  root: LoadedBundle,
  composed: LoadedBundle,
  stored: readonly StoredSnapshot[],
  nowMs: number,
): CommandResult {
  const standing = composed.directory.standingOf(id, nowMs);
  if (standing === undefined) throw new UserError(`the directory has no ${id}`, 1, 'NOT_FOUND');
  const from = [
    ...(root.directory.identity(id) === undefined ? [] : [{ source: 'directory.yaml' }]),
    ...stored.flatMap(({ snapshot }) => {
      const person = snapshot.people.find((one) => one.id === id);
      return person === undefined
        ? []
        : [{ source: snapshot.source, since: person.since, state: stateOf(person) }];
    }),
  ];
  const { active, groups, roles } = standing;
  const { sponsor, endsAtMs, accounts = {} } = composed.directory.identity(id) ?? {};
  const ends = endsAtMs === undefined ? undefined : new Date(endsAtMs).toISOString();
  const data = {
    id,
    active,
    from,
    groups,
    roles,
    accounts,
    ...(sponsor && { sponsor }),
    ...(ends && { ends }),
  };
  return done(
    data,
    ...[
      `${id} is ${active ? 'active' : 'not active'}`,
      ...from.map(
        (one) => `  from ${one.source}${'since' in one ? ` since ${one.since}, ${one.state}` : ''}`,
      ),
      `  groups: ${groups.join(', ') || 'none'}`,
      ...(roles.length === 0 ? [] : [`  roles: ${roles.join(', ')}`]),
      ...Object.entries(accounts).map(([connector, account]) => `  account on ${connector}: ${account}`),
      ...(sponsor === undefined ? [] : [`  sponsor: ${sponsor}`]),
      ...(ends === undefined ? [] : [`  ends: ${ends}`]),
    ].map(printable),
  );
}

const stateOf = ({ active, gone }: SourcePerson): string =>
  active ? 'active there' : gone === true ? 'no longer there' : 'disabled there';
