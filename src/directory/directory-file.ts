import { z } from 'zod';
import { identifier, principalId, text } from '../contracts/request';
import { ASSURANCE_LEVELS } from '../domain/principal';

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/;

/** A moment in UTC. A date alone is read as its first moment, which is the strictest reading of an end. */
export const instant = z.string().transform((value, context) => {
  const atMs = INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  // Date.parse rolls 31 February over into March; an end date that was meant otherwise must not pass.
  const rolledOver = !Number.isNaN(atMs) && !new Date(atMs).toISOString().startsWith(value.slice(0, 10));
  if (!Number.isNaN(atMs) && !rolledOver) return atMs;
  context.addIssue({
    code: 'custom',
    message: 'must be a date (2027-06-30) or a UTC time (2027-06-30T18:00Z)',
  });
  return z.NEVER;
});

const heldRole = z
  .union([identifier, z.strictObject({ role: identifier, until: instant })], {
    error: 'must be a role name or { role: NAME, until: DATE }',
  })
  .transform((held) => (typeof held === 'string' ? { role: held } : held));

const registeredKey = z.strictObject({
  /** Judged apart, by `readPublicKey`, so that a leaked private key is called what it is. */
  jwk: z.unknown(),
  assurance: z.enum(ASSURANCE_LEVELS).exclude(['channel']),
  channel: identifier,
  revoked: z.boolean().default(false),
  notAfter: instant.exactOptional(),
});

const common = {
  enabled: z.boolean().default(true),
  endDate: instant.exactOptional(),
  roles: z.array(heldRole).default([]),
  accounts: z.record(identifier, identifier).default({}),
  keys: z.array(registeredKey).default([]),
};

const personId = principalId.refine(
  (id) => id.startsWith('person/'),
  'is not a person; move it to "identities"',
);
const identityId = principalId.refine((id) => !id.startsWith('person/'), 'is a person; move it to "people"');

/** `directory.yaml`. Names are checked against each other in check-directory.ts. */
export const directorySchema = z.strictObject({
  roles: z.record(identifier, text(200)).default({}),
  people: z.record(
    personId,
    z.strictObject({ name: text(100), sponsor: principalId.exactOptional(), ...common }),
  ),
  identities: z
    .record(
      identityId,
      z.strictObject({ title: text(200), owner: principalId, sponsor: principalId, ...common }),
    )
    .default({}),
  groups: z
    .record(identifier, z.strictObject({ title: text(200), members: z.array(principalId) }))
    .default({}),
  /** Who decides in whose place while they are away. */
  delegations: z
    .array(z.strictObject({ from: principalId, to: principalId, since: instant, until: instant }))
    .max(1_000)
    .default([]),
});
export type DirectoryData = z.output<typeof directorySchema>;
export type PrincipalData = DirectoryData['people'][string] | DirectoryData['identities'][string];

/** Everyone in the file, with the section they stand in. */
export function principalsOf(data: DirectoryData): readonly {
  readonly id: string;
  readonly section: 'people' | 'identities';
  readonly entry: PrincipalData;
}[] {
  return [
    ...Object.entries(data.people).map(([id, entry]) => ({ id, section: 'people' as const, entry })),
    ...Object.entries(data.identities).map(([id, entry]) => ({ id, section: 'identities' as const, entry })),
  ];
}
