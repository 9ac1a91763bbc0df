import { ENFORCEMENT_POINT_ROLE } from '../contracts/denial-report';
import { ATTESTER_ROLE, GOVERNANCE_ROLES, PROCESS_OWNER_ROLE, RECORDER_ROLE } from '../domain/principal';
import { type DirectoryData, type PrincipalData, principalsOf } from './directory-file';
import type { FileProblem, ProblemPlace, YamlPath } from './yaml-file';

const TIME_BOXED_ROLE = 'governance-delegate';

/** Roles whose authority the core fixes; every other role must be declared in the file. */
const GOVERNING_ROLES: readonly string[] = [...GOVERNANCE_ROLES, PROCESS_OWNER_ROLE];
const BUILT_IN_ROLES: readonly string[] = [
  ...GOVERNING_ROLES,
  ENFORCEMENT_POINT_ROLE,
  RECORDER_ROLE,
  ATTESTER_ROLE,
];

/** What is wrong with the directory as a whole: names that nobody bears, roles without an end, shared accounts. */
export function checkDirectory(file: ProblemPlace, data: DirectoryData): readonly FileProblem[] {
  const principals = principalsOf(data);
  return [
    ...principals.flatMap(({ id, section, entry }) => [
      ...checkGuardians(file, data, id, entry, [section, id]),
      ...checkRoles(file, data, entry, [section, id], section === 'people'),
      ...checkKeys(file, entry, [section, id]),
    ]),
    ...checkMembers(file, data),
    ...checkDelegations(file, data),
    ...checkAccounts(file, principals),
  ];
}

/** Owner and sponsor are people who answer for an identity, so they exist, are people, and are someone else. */
function checkGuardians(
  file: ProblemPlace,
  data: DirectoryData,
  id: string,
  entry: PrincipalData,
  path: YamlPath,
): readonly FileProblem[] {
  const guardians = { sponsor: entry.sponsor, ...('owner' in entry && { owner: entry.owner }) };
  return Object.entries(guardians).flatMap(([relation, guardian]) => {
    if (guardian === undefined) return [];
    if (guardian === id)
      return [file.problem([...path, relation], `${id} is its own ${relation}; name another person`)];
    if (data.people[guardian] !== undefined) return [];
    return [
      file.problem(
        [...path, relation],
        `the ${relation} ${guardian} is not in "people"; name a person who answers for ${id}`,
      ),
    ];
  });
}

/** Assurance is earned by how a key signs (WEB-2), so no label in a file makes a JWK more than a key. */
function checkKeys(file: ProblemPlace, entry: PrincipalData, path: YamlPath): readonly FileProblem[] {
  return entry.keys.flatMap((registration, index) => {
    if ('passkey' in registration || registration.assurance === 'key') return [];
    return [
      file.problem(
        [...path, 'keys', index, 'assurance'],
        `a JWK is not ${registration.assurance}, whatever the file says; write "assurance: key", or register a passkey`,
      ),
    ];
  });
}

function checkRoles(
  file: ProblemPlace,
  data: DirectoryData,
  entry: PrincipalData,
  path: YamlPath,
  isPerson: boolean,
): readonly FileProblem[] {
  return entry.roles.flatMap((held, index) => {
    const at = [...path, 'roles', index];
    if (!BUILT_IN_ROLES.includes(held.role) && !Object.hasOwn(data.roles, held.role))
      return [
        file.problem(at, `the role ${held.role} is not known; declare it in "roles" or correct its name`),
      ];
    if ((held.role === RECORDER_ROLE || held.role === ATTESTER_ROLE) && isPerson)
      return [file.problem(at, `${held.role} is for the identity of a gateway; people sign for themselves`)];
    if (GOVERNING_ROLES.includes(held.role) && !isPerson)
      return [file.problem(at, `${held.role} governs requests; only people may hold it, remove it here`)];
    if (held.role === TIME_BOXED_ROLE && !('until' in held))
      return [
        file.problem(at, `${TIME_BOXED_ROLE} is time-boxed; write { role: ${held.role}, until: DATE }`),
      ];
    return [];
  });
}

function checkMembers(file: ProblemPlace, data: DirectoryData): readonly FileProblem[] {
  return Object.entries(data.groups).flatMap(([group, { members }]) => {
    const seen = new Set<string>();
    return members.flatMap((member, index) => {
      const at = ['groups', group, 'members', index];
      if (seen.has(member)) return [file.problem(at, `${member} is in ${group} twice; remove one`)];
      seen.add(member);
      if (data.people[member] === undefined && data.identities[member] === undefined)
        return [
          file.problem(at, `the member ${member} is not in this directory; add them or remove the line`),
        ];
      return [];
    });
  });
}

/** At most this long is somebody away; for longer, someone else takes over the group. */
const LONGEST_ABSENCE_MS = 92 * 86_400_000;

/** Delegation is between people, dated, and not chained; at one time one person stands in for another. */
function checkDelegations(file: ProblemPlace, data: DirectoryData): readonly FileProblem[] {
  return data.delegations.flatMap((one, index) => {
    const at = ['delegations', index];
    const { from, to, since, until } = one;
    const unknown = [from, to].find((id) => data.people[id] === undefined);
    if (unknown !== undefined)
      return [file.problem(at, `${unknown} is not in "people"; only people delegate, and only to people`)];
    if (from === to) return [file.problem(at, `${from} cannot stand in for themselves; name another person`)];
    if (until <= since)
      return [file.problem([...at, 'until'], 'must be later than "since"; correct the dates')];
    if (until - since > LONGEST_ABSENCE_MS)
      return [
        file.problem([...at, 'until'], 'is over the limit of 92 days; for longer, change the group instead'),
      ];
    const overlaps = (other: typeof one) => other !== one && other.since < until && since < other.until;
    if (data.delegations.slice(0, index).some((other) => other.from === from && overlaps(other)))
      return [file.problem(at, `${from} has another delegate at that time; keep one of them`)];
    if (data.delegations.some((other) => other.from === to && overlaps(other)))
      return [file.problem(at, `${to} is away then too; delegation is not chained, name someone present`)];
    const governs = data.people[to]?.roles.find(({ role }) =>
      (GOVERNANCE_ROLES as readonly string[]).includes(role),
    );
    if (governs !== undefined)
      return [file.problem(at, `${to} is ${governs.role}, which cannot approve; name someone else`)];
    return [];
  });
}

/**
 * An account that two principals share would let the lease of one keep the access of the other alive. Two accounts that read
 * the same, because their letters are composed in different ways, count as one.
 */
function checkAccounts(
  file: ProblemPlace,
  principals: ReturnType<typeof principalsOf>,
): readonly FileProblem[] {
  const holders = new Map<string, string>();
  return principals.flatMap(({ id, section, entry }) =>
    Object.entries(entry.accounts).flatMap(([connector, account]) => {
      const name = `${connector} ${account.normalize('NFC')}`;
      const holder = holders.get(name);
      holders.set(name, holder ?? id);
      if (holder === undefined) return [];
      return [
        file.problem(
          [section, id, 'accounts', connector],
          `the account ${account} on ${connector} belongs to ${holder} already; give each principal its own`,
        ),
      ];
    }),
  );
}
