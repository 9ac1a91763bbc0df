import type { Expected } from '../target-check';

/** Returns what an administrator does to give the connector's login the least that it needs: to read people, to write members. */
export function setUpText({ grants }: Expected, login: string): string {
  const groups = new Map(grants.map(({ group = '', attribute = 'member' }) => [group, attribute]));
  const rules = [...groups].map(
    ([group, attribute]) =>
      `to dn.exact="${group}" attrs=${attribute} by dn.exact="${login}" write by * break`,
  );
  return [
    '# OpenLDAP: rules of the database that holds the groups ("access" before each in slapd.conf, olcAccess in cn=config)',
    ...rules,
    `to * by dn.exact="${login}" read by * break`,
    '# Active Directory: delegate "Write Members" to this login, on these groups and nothing else:',
    ...[...groups.keys()].map((group) => `#   ${group}`),
    `# A groupOfNames may not be empty. Make ${login} a permanent member of each group; it is never reported as drift.`,
  ].join('\n');
}
