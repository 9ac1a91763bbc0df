import { z } from 'zod';
import { MOMENT_EXAMPLE, readMomentMs } from '../contracts/moment';
import { foreignName, identifier, label, principalId, text } from '../contracts/request';
import { ASSURANCE_LEVELS } from '../domain/principal';

/** A moment, as the command line takes it. A date alone is its first moment in UTC, which is the strictest reading of an end. */
const instant = z
  .string()
  .meta({ pattern: '^\\d{4}-\\d{2}-\\d{2}(T.+)?$' })
  .transform((value, context) => {
    const atMs = readMomentMs(value);
    if (atMs !== undefined) return atMs;
    context.addIssue({ code: 'custom', message: `must be a date or a time such as ${MOMENT_EXAMPLE}` });
    return z.NEVER;
  });

const heldRole = z
  .union(
    [
      identifier,
      z.strictObject({
        role: identifier.describe('name of the role'),
        until: instant.describe('when it is taken away'),
      }),
    ],
    {
      error: 'must be a role name or { role: NAME, until: DATE }',
    },
  )
  .transform((held) => (typeof held === 'string' ? { role: held } : held));

const validity = {
  revoked: z.boolean().default(false).describe('true if nothing that it signed counts any more'),
  notAfter: instant.exactOptional().describe('when it stops counting'),
};

const registeredJwk = z.strictObject({
  /** Judged apart, by `readPublicKey`, so that a leaked private key is called what it is. */
  jwk: z.unknown().describe('public key, Ed25519 or P-256, as `countersign keys new` prints it'),
  assurance: z.enum(ASSURANCE_LEVELS).exclude(['channel']).describe('`key`'),
  channel: identifier.describe('where the key is used, such as cli'),
  ...validity,
});

const base64url = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[\w-]+$/, 'must be base64url');

/** A WebAuthn credential. Its assurance comes from its kind, so the file has no say in it. */
const registeredPasskey = z.strictObject({
  passkey: z
    .strictObject({
      credentialId: base64url(1_400).describe('id of the credential'),
      /** Judged apart, by `readPasskey`. */
      publicKey: base64url(1_400).describe('COSE key of the credential'),
      rpId: z
        .hostname('must be a host name such as access.example.com')
        .describe('host it was registered for'),
      origin: z.string().max(300).describe('origin of the pages it was registered on'),
    })
    .describe('a WebAuthn credential; `countersign enrol` registers one without this file'),
  channel: identifier.default('browser').describe('where the key is used'),
  ...validity,
});

const registeredKey = z.union([registeredJwk, registeredPasskey], {
  error: 'must be { jwk, assurance: key, channel } or { passkey: { credentialId, publicKey, rpId, origin } }',
});

const common = {
  enabled: z.boolean().default(true).describe('false locks it out; its grants end'),
  endDate: instant.exactOptional().describe('when it leaves; no grant reaches past it'),
  roles: z
    .array(heldRole)
    .default([])
    .describe(
      'roles it holds: those of "roles", or iam-operations, security-operations, policy-administrator, governance-delegate (with `until`), process-owner, enforcement-point, recorder, channel-attester',
    ),
  accounts: z
    .record(identifier, foreignName)
    .default({})
    .describe('its account on the target of each connector, which gets the access'),
  keys: z.array(registeredKey).default([]).describe('public keys that it signs with'),
  attributes: z
    .record(identifier, z.union([label(200), z.boolean(), z.int()]))
    .refine((named) => Object.keys(named).length <= 64, 'are more than 64')
    .exactOptional()
    .describe('what policies may compare, such as a department'),
};

const personId = principalId.refine(
  (id) => id.startsWith('person/'),
  'is not a person; move it to "identities"',
);
const identityId = principalId.refine((id) => !id.startsWith('person/'), 'is a person; move it to "people"');

/** `directory.yaml`. Names are checked against each other in check-directory.ts. */
export const directorySchema = z.strictObject({
  roles: z.record(identifier, text(200)).default({}).describe('roles of your own, each with what it means'),
  people: z
    .record(
      personId,
      z.strictObject({
        name: label(100).describe('how pages and messages call them'),
        sponsor: principalId
          .exactOptional()
          .describe('who answers for them, for example for a contractor; cannot approve their requests'),
        ...common,
      }),
    )
    .describe('people, by `person/NAME`'),
  identities: z
    .record(
      identityId,
      z.strictObject({
        title: label(200).describe('what it is'),
        owner: principalId.describe('person who answers for it; may ask for it, cannot approve its requests'),
        sponsor: principalId.describe('person who vouches that it is needed; cannot approve its requests'),
        ...common,
      }),
    )
    .default({})
    .describe('identities that are not people, by `agent/NAME`, `bot/NAME`, `ci/NAME` or `service/NAME`'),
  groups: z
    .record(
      identifier,
      z.strictObject({
        title: label(200).describe('who is in it'),
        members: z.array(principalId).describe('people and identities of this file'),
      }),
    )
    .default({})
    .describe('groups, which paths and policies name'),
  delegations: z
    .array(
      z.strictObject({
        from: principalId.describe('who is away'),
        to: principalId.describe('who decides in their place'),
        since: instant.describe('first moment'),
        until: instant.describe('last moment, 92 days later at most'),
      }),
    )
    .max(1_000)
    .default([])
    .describe('who decides in whose place while they are away'),
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
