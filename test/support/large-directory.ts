import { randomBytes } from 'node:crypto';

/** A directory of people with a key each, in groups of a hundred. */
export function directoryOf(people: number, groups: number): string {
  const ids = Array.from({ length: people }, (_, index) => `person/user-${index}`);
  const entries = ids.map(
    (id, index) =>
      `  ${id}:\n    name: User ${index}\n    accounts: { warehouse: user_${index} }\n    keys:\n` +
      `      - { jwk: { kty: OKP, crv: Ed25519, x: ${randomBytes(32).toString('base64url')} }, assurance: key, channel: cli }\n`,
  );
  const teams = Array.from({ length: groups }, (_, group) => {
    const members = Array.from({ length: 100 }, (_unused, index) => ids[(group * 37 + index * 13) % people]);
    return `  team-${group}:\n    title: Team ${group}\n    members: [${[...new Set(members)].join(', ')}]\n`;
  });
  return `people:\n${entries.join('')}groups:\n${teams.join('')}`;
}
