import { z } from 'zod';
import { MOMENT_EXAMPLE, readMomentMs } from '../contracts/moment';
import { foreignName, identifier, label, principalId, text } from '../contracts/request';
import { ASSURANCE_LEVELS } from '../domain/principal';

/** A moment, as the command line takes it. A date alone is its first moment in UTC, which is the strictest reading of an end. */
const instant = z.string().transform((value, context) => {
  const atMs = readMomentMs(value);
  if (atMs !== undefined) return atMs;
  context.addIssue({ code: 'custom', message: `must be a date or a time such as ${MOMENT_EXAMPLE}` });
  return z.NEVER;
});

const heldRole = z
  .union([identifier, z.strictObject({ role: identifier, until: instant })], {
    error: 'must be a role name or { role: NAME, until: DATE }',
  })
  .transform((held) => (typeof held === 'string' ? { role: held } : held));

const validity = { revoked: z.boolean().default(false), notAfter: instant.exactOptional() };

const registeredJwk = z.strictObject({
  /** Judged apart, by `readPublicKey`, so that a leaked private key is called what it is. */
  jwk: z.unknown(),
  assurance: z.enum(ASSURANCE_LEVELS).exclude(['channel']),
  channel: identifier,
  ...validity,
});

const base64url = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[\w-]+$/, 'must be base64url');

/** A WebAuthn credential. Its assurance comes from its kind, so the file has no say in it. */
const registeredPasskey = z.strictObject({
  passkey: z.strictObject({
    credentialId: base64url(1_400),
    /** Judged apart, by `readPasskey`. */
    publicKey: base64url(1_400),
    rpId: z.hostname('must be a host name such as access.example.com'),
    origin: z.string().max(300),
  }),
  channel: identifier.default('browser'),
  ...validity,
});

const registeredKey = z.union([registeredJwk, registeredPasskey], {
  error: 'must be { jwk, assurance: key, channel } or { passkey: { credentialId, publicKey, rpId, origin } }',
});

const common = {
  enabled: z.boolean().default(true),
  endDate: instant.exactOptional(),
  roles: z.array(heldRole).default([]),
  accounts: z.record(identifier, foreignName).default({}),
  keys: z.array(registeredKey).default([]),
  /** What policies may compare, such as an e-mail address or a department. */
  attributes: z
    .record(identifier, z.union([label(200), z.boolean(), z.int()]))
    .refine((named) => Object.keys(named).length <= 64, 'are more than 64')
    .exactOptional(),
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
    z.strictObject({ name: label(100), sponsor: principalId.exactOptional(), ...common }),
  ),
  identities: z
    .record(
      identityId,
      z.strictObject({ title: label(200), owner: principalId, sponsor: principalId, ...common }),
    )
    .default({}),
  groups: z
    .record(identifier, z.strictObject({ title: label(200), members: z.array(principalId) }))
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
