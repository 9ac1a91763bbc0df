import { readFileSync } from 'node:fs';
import type { Client, Entry } from 'ldapts';
import { withDirectory } from '../../connectors/ldap-group/directory';
import { readMomentMs } from '../../contracts/moment';
import type { RawGroup, RawPerson, RawSnapshot } from './snapshot';
import { type LdapRules, SOURCE_LIMITS } from './sources-file';

const PAGE = 500;

/**
 * Reads people and groups of an LDAP directory, in pages. Nothing is written.
 *
 * @throws TargetUnavailable in the directory's words; Error of one line if it sends too much
 */
export function readLdap(rules: LdapRules, signal: AbortSignal): Promise<RawSnapshot> {
  const { url, bindDn, passwordFile, tls, caFile } = rules;
  const password = readFileSync(passwordFile, 'utf8').trim();
  const settings = { url, bindDn, password, tls, ...(caFile !== undefined && { caFile }) };
  return withDirectory(settings, async (client) => {
    const budget = { bytes: SOURCE_LIMITS.bytes };
    const people: RawPerson[] = [];
    for await (const entry of entriesOf(
      client,
      rules.people.base,
      rules.people.filter,
      wantedOf(rules),
      budget,
      signal,
    ))
      people.push(personOf(entry, rules));
    const groups: RawGroup[] = [];
    const { groupName, groupMember } = rules;
    const wanted = [groupName, groupMember];
    for await (const entry of entriesOf(client, rules.groupsBase, rules.groupFilter, wanted, budget, signal))
      groups.push({
        ref: plainDn(entry.dn),
        name: textsOf(entry, groupName)[0] ?? '',
        members: textsOf(entry, groupMember).map(plainDn),
      });
    return { people, groups };
  });
}

const wantedOf = ({ people }: LdapRules): readonly string[] =>
  [
    people.id,
    people.stableId,
    people.name,
    people.manager,
    people.endDate,
    people.disabled?.attribute,
    ...Object.values(people.accounts),
  ].filter((one) => one !== undefined);

async function* entriesOf(
  client: Client,
  base: string,
  filter: string,
  attributes: readonly string[],
  budget: { bytes: number },
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const options = {
    scope: 'sub' as const,
    filter,
    attributes: [...attributes],
    explicitBufferAttributes: ['objectGUID', 'objectSid'],
    paged: { pageSize: PAGE },
  };
  for await (const { searchEntries } of client.searchPaginated(base, options)) {
    if (signal.aborted) throw new Error('it took too long');
    budget.bytes -= JSON.stringify(searchEntries).length;
    if (budget.bytes < 0) throw new Error(`it sends more than ${SOURCE_LIMITS.bytes} bytes`);
    yield* searchEntries;
  }
}

function personOf(entry: Entry, { people: rules }: LdapRules): RawPerson {
  const one = (attribute: string) => textsOf(entry, attribute)[0];
  const end = rules.endDate === undefined ? undefined : one(rules.endDate);
  const endsAtMs = end === undefined ? undefined : endOf(end);
  const manager = rules.manager === undefined ? undefined : one(rules.manager);
  const accounts = Object.entries(rules.accounts).flatMap(([connector, attribute]) => {
    const account = attribute === 'dn' ? entry.dn : one(attribute);
    return account === undefined ? [] : [[connector, account] as const];
  });
  return {
    ref: plainDn(entry.dn),
    foreignId: one(rules.id) ?? '',
    stable: one(rules.stableId) ?? '',
    name: one(rules.name) ?? '',
    // An end that nobody can read counts as past.
    active: !isDisabled(entry, rules.disabled) && !(end !== undefined && endsAtMs === undefined),
    ...(endsAtMs !== undefined && endsAtMs !== 'never' && { endsAtMs }),
    ...(manager !== undefined && { managerRef: plainDn(manager) }),
    accounts: Object.fromEntries(accounts),
  };
}

function isDisabled(entry: Entry, rule: LdapRules['people']['disabled']): boolean {
  if (rule === undefined) return false;
  const values = textsOf(entry, rule.attribute);
  const { bit } = rule;
  if (bit !== undefined)
    return values.some((value) => !/^\d+$/.test(value) || Math.floor(Number(value) / bit) % 2 === 1);
  return rule.values === undefined ? values.length > 0 : values.some((value) => rule.values?.includes(value));
}

/** Ticks of 100 ns from 1601 to 1970, and those that Active Directory writes for "never". */
const EPOCH_TICKS = 116_444_736_000_000_000n;
const NEVER = ['0', '9223372036854775807'];

/** Reads generalized time (RFC 4517 section 3.3.13, in UTC), a time of Active Directory, or a date. Undefined if it is none. */
function endOf(text: string): number | 'never' | undefined {
  if (NEVER.includes(text)) return 'never';
  if (/^\d{17,19}$/.test(text)) return Number((BigInt(text) - EPOCH_TICKS) / 10_000n);
  const [, year, month, day, hour, minute, second = '00'] =
    /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:[.,]\d+)?Z$/.exec(text) ?? [];
  if (year === undefined) return readMomentMs(text);
  return readMomentMs(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** The values of an attribute. Ids that are bytes, such as `objectGUID`, are written in hexadecimal. */
function textsOf(entry: Entry, attribute: string): readonly string[] {
  return [entry[attribute] ?? []]
    .flat()
    .map((value) => (typeof value === 'string' ? value : value.toString('hex')));
}

/** Writes a DN so that two spellings of the same one are equal. */
const plainDn = (dn: string): string =>
  dn
    .replace(/\s*([,=+])\s*/g, '$1')
    .trim()
    .toLowerCase();
