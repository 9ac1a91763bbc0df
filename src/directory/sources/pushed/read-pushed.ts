import { z } from 'zod';
import { readMomentMs } from '../../../contracts/moment';
import type { RawGroup, RawPerson, RawSnapshot } from '../snapshot';
import { type ScimServerRules, SOURCE_LIMITS } from '../sources-file';
import type { PushedRow, PushedStore } from './store';

/** Returns why a row does not count, or undefined if a gateway signed it. */
export type VerifyPushed = (source: string, row: PushedRow) => Promise<string | undefined>;

const text = z.string().max(1_000);
const member = z.looseObject({ value: text.optional() });
const userSchema = z.looseObject({
  userName: text,
  externalId: text.optional(),
  displayName: text.optional(),
  name: z
    .looseObject({ formatted: text.optional(), givenName: text.optional(), familyName: text.optional() })
    .optional(),
  active: z.boolean().optional(),
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': z
    .looseObject({ manager: member.optional() })
    .optional(),
});
const groupSchema = z.looseObject({
  displayName: text,
  members: z.array(member).max(SOURCE_LIMITS.members).default([]),
});

/** A gateway takes less. What it takes beyond that, because somebody left, must be readable. */
const MOST_BYTES = 2 * SOURCE_LIMITS.bytes;

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/**
 * Reads what an identity provider pushed. A reader keeps what it verified, so a row that was put back to an older version is noticed by
 * every reader that saw the newer one.
 */
export class PushedReader {
  readonly #verified = new Map<string, { readonly jws: string; readonly version: number }>();

  constructor(
    private readonly store: Pick<PushedStore, 'all'>,
    private readonly verify: VerifyPushed,
  ) {}

  /**
   * Returns people and groups. A group that `sources.yaml` names and nobody pushed has no members: whoever deletes a group must not keep
   * the source from saying who left.
   *
   * @throws Error of one line if a row does not count; TargetUnavailable if the database cannot be reached
   */
  async read(source: string, rules: ScimServerRules): Promise<RawSnapshot> {
    const rows = await this.store.all(source, MOST_BYTES);
    for (const row of rows) await this.#check(source, row);
    const people = rows.flatMap((row) => (row.kind === 'User' ? [personOf(row, rules)] : []));
    const groups = rows.flatMap((row) => (row.kind === 'Group' ? [groupOf(row)] : []));
    const named = [...Object.values(rules.groups).map(({ from }) => from), ...Object.values(rules.roles)];
    const missing = [...new Set(named)].filter((name) => !groups.some((group) => group.name === name));
    return {
      people,
      groups: [...groups, ...missing.map((name) => ({ ref: `missing ${name}`, name, members: [] }))],
    };
  }

  async #check(source: string, row: PushedRow): Promise<void> {
    const key = `${source} ${row.id}`;
    const before = this.#verified.get(key);
    if (before?.jws === row.jws && before.version === row.version) return;
    // Whatever a gateway writes is a version more.
    if (before !== undefined && row.version <= before.version)
      throw new Error(`${row.kind} ${row.id} was put back to an older version in the database`);
    const problem = await this.verify(source, row);
    if (problem !== undefined) throw new Error(`${row.kind} ${row.id} does not count: ${problem}`);
    this.#verified.set(key, { jws: row.jws, version: row.version });
  }
}

function personOf({ id, content }: PushedRow, rules: ScimServerRules): RawPerson {
  const user = userSchema.parse(JSON.parse(content));
  const { people } = rules;
  const given = `${user.name?.givenName ?? ''} ${user.name?.familyName ?? ''}`.trim();
  const end = people.endDate === undefined ? undefined : valueAt(user, people.endDate);
  const endsAtMs = end === undefined ? undefined : readMomentMs(end);
  const managerRef = user[ENTERPRISE]?.manager?.value;
  const accounts = Object.entries(people.accounts).flatMap(([connector, path]) => {
    const account = valueAt(user, path);
    return account === undefined ? [] : [[connector, account] as const];
  });
  return {
    ref: id,
    foreignId: valueAt(user, people.id) ?? '',
    stable: people.stableId === 'id' ? id : (user.externalId ?? ''),
    name: user.displayName ?? user.name?.formatted ?? (given || user.userName),
    // An end that nobody can read counts as past.
    active: user.active !== false && !(end !== undefined && endsAtMs === undefined),
    ...(endsAtMs !== undefined && { endsAtMs }),
    ...(managerRef !== undefined && { managerRef }),
    accounts: Object.fromEntries(accounts),
  };
}

function groupOf({ id, content }: PushedRow): RawGroup {
  const { displayName, members } = groupSchema.parse(JSON.parse(content));
  return { ref: id, name: displayName, members: members.flatMap(({ value }) => value ?? []) };
}

/**
 * Returns the text at a path such as `userName`, `name.familyName`, `emails` (the primary one, or the first) or
 * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber`.
 */
function valueAt(user: Readonly<Record<string, unknown>>, path: string): string | undefined {
  const schema = Object.keys(user).find((key) => path.startsWith(`${key}:`));
  let at: unknown = schema === undefined ? user : user[schema];
  for (const step of (schema === undefined ? path : path.slice(schema.length + 1)).split('.'))
    at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  if (Array.isArray(at)) at = at.find((one) => isObject(one) && one['primary'] === true) ?? at[0];
  if (isObject(at)) at = at['value'];
  return typeof at === 'string' ? at : undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
