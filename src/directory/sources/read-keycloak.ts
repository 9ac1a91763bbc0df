import { readFileSync } from 'node:fs';
import { KeycloakRealm, type KeycloakUser } from '../../connectors/keycloak-group/realm';
import { readMomentMs } from '../../contracts/moment';
import type { RawGroup, RawPerson, RawSnapshot } from './snapshot';
import { type KeycloakRules, SOURCE_LIMITS } from './sources-file';

/** Service accounts of clients are users to Keycloak, and nobody. */
const SERVICE_ACCOUNT = 'service-account-';

/**
 * Reads the users of a realm, and the groups that `sources.yaml` names with those in them. Nothing is written.
 *
 * @throws TargetUnavailable in Keycloak's words; Error of one line if it sends too much
 */
export async function readKeycloak(rules: KeycloakRules, signal: AbortSignal): Promise<RawSnapshot> {
  const { url, realm, clientId, secretFile } = rules;
  const clientSecret = readFileSync(secretFile, 'utf8').trim();
  const keycloak = new KeycloakRealm({ url, realm, clientId, clientSecret });
  const people: RawPerson[] = [];
  for await (const user of keycloak.users()) {
    if (signal.aborted) throw new Error('it took too long');
    if (!user.username.startsWith(SERVICE_ACCOUNT)) people.push(personOf(user, rules));
    if (people.length > SOURCE_LIMITS.people)
      throw new Error(`it has more than ${SOURCE_LIMITS.people} people`);
  }
  // A manager is named by username, members are named by id.
  const refOf = new Map(people.map(({ foreignId, ref }) => [foreignId, ref]));
  const groups: RawGroup[] = [];
  for (const path of new Set([
    ...Object.values(rules.groups).map(({ from }) => from),
    ...Object.values(rules.roles),
  ])) {
    const id = await keycloak.findGroup(path);
    // A group that is missing is told by `take`, which knows what it is for.
    if (id !== undefined) await collect(keycloak, { id, name: path }, groups, signal);
  }
  return {
    people: people.map(({ managerRef, ...person }) => {
      const ref = managerRef === undefined ? undefined : refOf.get(managerRef);
      return { ...person, ...(ref !== undefined && { managerRef: ref }) };
    }),
    groups,
  };
}

/** Collects a group and those below it, each once. The members of a group below count as members of those above. */
async function collect(
  keycloak: KeycloakRealm,
  { id, name }: { readonly id: string; readonly name: string },
  groups: RawGroup[],
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw new Error('it took too long');
  if (groups.length >= SOURCE_LIMITS.groups)
    throw new Error(`it has more than ${SOURCE_LIMITS.groups} groups`);
  const members: string[] = [];
  for await (const member of keycloak.memberIds(id)) members.push(member);
  const below: { readonly id: string; readonly name: string }[] = [];
  for await (const group of keycloak.subgroups(id))
    below.push({ id: group.id, name: `${name}/${group.name}` });
  if (!groups.some((one) => one.name === name))
    groups.push({ ref: id, name, members: [...members, ...below.map((group) => group.id)] });
  for (const group of below) await collect(keycloak, group, groups, signal);
}

function personOf(
  { id, username, enabled, firstName = '', lastName = '', attributes }: KeycloakUser,
  { people: rules }: KeycloakRules,
): RawPerson {
  const one = (attribute: string) => (attribute === 'username' ? username : attributes[attribute]?.[0]);
  const end = rules.endDate === undefined ? undefined : one(rules.endDate);
  const endsAtMs = end === undefined ? undefined : readMomentMs(end);
  const managerRef = rules.manager === undefined ? undefined : one(rules.manager);
  const accounts = Object.entries(rules.accounts).flatMap(([connector, attribute]) => {
    const account = one(attribute);
    return account === undefined ? [] : [[connector, account] as const];
  });
  return {
    ref: id,
    foreignId: username,
    stable: id,
    name: `${firstName} ${lastName}`.trim() || username,
    // An end that nobody can read counts as past.
    active: enabled && !(end !== undefined && endsAtMs === undefined),
    ...(endsAtMs !== undefined && { endsAtMs }),
    ...(managerRef !== undefined && { managerRef }),
    accounts: Object.fromEntries(accounts),
  };
}
