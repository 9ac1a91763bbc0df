import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { SourcePerson } from '../../directory/sources/snapshot';
import type { StoredSnapshot } from '../../directory/sources/store';
import type { LoadedBundle } from '../../policy';
import type { Context, Run } from '../context';
import { sayDuration } from '../duration';
import { addExamples } from '../help';
import { type CommandResult, done, printable, UserError } from '../output';

/** `countersign directory show` */
export function defineShow(directory: Command, run: Run): void {
  const command = directory
    .command('show')
    .description('show the sources with what is held, or one person: from where, since when, in which groups')
    .argument('[person]', 'for example person/mira')
    .action((person: string | undefined) => run((context) => show(person, context)));
  addExamples(command, ['directory show'], ['directory show person/mira']);
}

async function show(person: string | undefined, context: Context): Promise<CommandResult> {
  const { withOpened } = await import('./opened.js');
  const { SnapshotVerifier, withSources } = await import('../../policy/index.js');
  return withOpened(context, SILENT_LOGGER, async ({ store, root }) => {
    const bundle = await root();
    const stored = await store.latest();
    const nowMs = Date.now();
    if (person !== undefined) {
      const composed = await withSources({ current: async () => bundle }, store, SILENT_LOGGER).current();
      return showPerson(person, bundle, composed, stored, nowMs);
    }
    const counting = await new SnapshotVerifier(SILENT_LOGGER, Date.now).counting(
      bundle,
      bundle.sources,
      stored,
    );
    const sources = Object.keys(bundle.sources.sources).map((name) => {
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
