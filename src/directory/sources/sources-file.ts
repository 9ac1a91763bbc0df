import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { foreignName, identifier, principalId, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';

/** How much one source may give. What is over a limit is refused as a whole, never cut. */
export const SOURCE_LIMITS = {
  sources: 16,
  people: 50_000,
  groups: 2_000,
  /** Members that a group has by itself, or by the groups in it. */
  members: 50_000,
  /** How deep groups may be nested in each other. */
  levels: 16,
  /** What one source may send for one snapshot. */
  bytes: 64 * 1024 * 1024,
  /** How long one source may take for one snapshot. */
  readMs: 60_000,
} as const;

/** Roles that a source may give, where this file names the group. A delegate's role needs an end, which a group does not have. */
const GIVEN_ROLES = [
  'iam-operations',
  'security-operations',
  'policy-administrator',
  'process-owner',
] as const;

const attribute = z
  .string()
  .max(LIMITS.identifierCharacters)
  .regex(/^[A-Za-z][\w;-]*$/, 'is not the name of an attribute');
const ldapFilter = text(1_000).refine(
  (filter) => /^\(.*\)$/s.test(filter),
  'is not an LDAP filter such as (uid=*)',
);

const takenGroup = z
  .strictObject({
    from: foreignName.describe(
      'exact name of the group at the source; in Keycloak its path, such as /company/dba; in SCIM its displayName',
    ),
    most: z
      .int()
      .min(1)
      .max(LIMITS.eligibleApprovers)
      .describe('how many members it may have; more are held'),
    least: z
      .int()
      .min(1)
      .max(LIMITS.eligibleApprovers)
      .default(1)
      .describe('how many it must have; fewer are held'),
  })
  .refine(({ least, most }) => least <= most, { path: ['least'], message: 'must not be over "most"' });

const common = {
  groups: z
    .record(identifier, takenGroup)
    .describe(
      'groups of directory.yaml that the source fills, each with the group at the source that it is filled from',
    ),
  roles: z
    .partialRecord(z.enum(GIVEN_ROLES), foreignName)
    .default({})
    .describe(
      'governance roles that the source gives, each with the group at the source; every holder is held until released',
    ),
};

const ldapSource = z.strictObject({
  kind: z.literal('ldap').describe('an LDAP directory, such as OpenLDAP or Active Directory'),
  url: z
    .string()
    .max(300)
    .regex(/^ldaps?:\/\/[^/?#\s]+\/?$/, 'must be ldaps://HOST or ldap://HOST')
    .describe('`ldaps://HOST`, or `ldap://HOST`, which is upgraded to TLS'),
  bindDn: foreignName.describe('login that reads'),
  passwordFile: z.string().min(1).max(1_000).describe('file that holds its password'),
  tls: z
    .enum(['required', 'none'])
    .default('required')
    .describe('`none` sends everything in the clear; only for a directory on the same machine'),
  caFile: z
    .string()
    .min(1)
    .max(1_000)
    .exactOptional()
    .describe('certificates by which that of the directory is checked'),
  people: z
    .strictObject({
      base: foreignName.describe('where people are looked up, with everything below it'),
      filter: ldapFilter.default('(objectClass=person)').describe('which entries are people'),
      id: attribute.default('uid').describe('attribute that names the person: `person/NAME`'),
      stableId: attribute
        .default('entryUUID')
        .describe('attribute that never changes and is never used again'),
      name: attribute.default('cn').describe('how pages and messages call them'),
      manager: attribute.exactOptional().describe('attribute with the DN of their sponsor'),
      endDate: attribute.exactOptional().describe('attribute with the day or time when they leave'),
      disabled: z
        .strictObject({
          attribute: attribute.describe('attribute that locks an account'),
          values: z
            .array(foreignName)
            .max(16)
            .exactOptional()
            .describe('values that do; without it, any value'),
          bit: z
            .int()
            .min(1)
            .max(2_147_483_648)
            .exactOptional()
            .describe('bit of a number that does, such as 2 of userAccountControl'),
        })
        .exactOptional()
        .describe('how the directory says that an account is locked'),
      accounts: z
        .record(identifier, attribute)
        .default({})
        .describe('their account on the target of each connector, by the attribute that has it'),
    })
    .describe('people'),
  groupsBase: foreignName.describe('where groups are looked up, with everything below it'),
  groupFilter: ldapFilter.default('(objectClass=groupOfNames)').describe('which entries are groups'),
  groupName: attribute.default('cn').describe('attribute that names the group'),
  groupMember: attribute
    .default('member')
    .describe('attribute with the DN of each member, people and groups'),
  ...common,
});

const keycloakSource = z.strictObject({
  kind: z.literal('keycloak').describe('a realm of Keycloak'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://id.example.com' })
    .max(300)
    .describe('address of Keycloak'),
  realm: foreignName.describe('name of the realm'),
  clientId: foreignName.describe(
    'client whose service account has view-users and query-groups of realm-management',
  ),
  secretFile: z.string().min(1).max(1_000).describe("file that holds the client's secret"),
  people: z
    .strictObject({
      manager: foreignName.exactOptional().describe('attribute with the username of their sponsor'),
      endDate: foreignName.exactOptional().describe('attribute with the day or time when they leave'),
      accounts: z
        .record(identifier, foreignName)
        .default({})
        .describe(
          'their account on the target of each connector, by the attribute that has it, or `username`',
        ),
    })
    .prefault({})
    .describe('people, each `person/USERNAME`'),
  ...common,
});

const scimPath = z
  .string()
  .max(300)
  .regex(
    /^(?:urn:[\w:.-]+:)?[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)?$/,
    'is not the path of an attribute, such as userName or name.familyName',
  );

const scimServerSource = z.strictObject({
  kind: z
    .literal('scim-server')
    .describe(
      'an identity provider that pushes people and groups into the gateway, by SCIM 2.0 at `/scim/v2`',
    ),
  tokenFile: z
    .string()
    .min(1)
    .max(1_000)
    .describe(
      'file on each gateway that holds the bearer token of the identity provider, or two of them on two lines while it changes; the token also says which source is pushed',
    ),
  people: z
    .strictObject({
      id: scimPath.default('userName').describe('attribute that names the person: `person/NAME`'),
      stableId: z
        .enum(['id', 'externalId'])
        .default('id')
        .describe(
          '`id` is made by the gateway: somebody who was deleted and pushed again is held. `externalId` if the provider never changes it and never uses it again',
        ),
      endDate: scimPath.exactOptional().describe('attribute with the day or time when they leave'),
      accounts: z
        .record(identifier, scimPath)
        .default({})
        .describe(
          'their account on the target of each connector, by the attribute that has it; of `emails` the primary one',
        ),
    })
    .prefault({})
    .describe('people'),
  ...common,
});

export const sourceSchema = z.discriminatedUnion('kind', [ldapSource, keycloakSource, scimServerSource]);
export type SourceRules = z.output<typeof sourceSchema>;
export type LdapRules = z.output<typeof ldapSource>;
export type KeycloakRules = z.output<typeof keycloakSource>;
export type ScimServerRules = z.output<typeof scimServerSource>;

const calendar = z
  .strictObject({
    file: z.string().min(1).max(1_000).exactOptional().describe('iCalendar file on this machine'),
    urlFile: z
      .string()
      .min(1)
      .max(1_000)
      .exactOptional()
      .describe('file that holds the address of the calendar, because whoever has it can read it'),
    group: identifier.describe('group of directory.yaml whose members are those on call'),
    most: z
      .int()
      .min(1)
      .max(LIMITS.eligibleApprovers)
      .describe('how many people may be on call at once; if there are more, the calendar is not believed'),
    who: z
      .enum(['attendee', 'summary'])
      .default('attendee')
      .describe('which part of an event names the person: their address, or the title'),
    people: z
      .record(foreignName, principalId)
      .default({})
      .describe('who they are in the directory, by that address or title'),
    peopleBy: z
      .literal('email')
      .exactOptional()
      .describe('everybody else is the `person/` that the rule for ids makes of the address'),
    zone: z
      .string()
      .max(64)
      .exactOptional()
      .describe('zone of times that name none, such as Europe/Berlin (default: that of the calendar)'),
    staleAfter: durationUpTo(7 * 86_400_000)
      .default(3_600_000)
      .describe('how long the calendar may be away before nobody is on call by it'),
  })
  .refine(({ file, urlFile }) => (file === undefined) !== (urlFile === undefined), {
    path: ['file'],
    message: 'or "urlFile" is needed, and not both',
  });
export type CalendarRules = z.output<typeof calendar>;

/** `sources.yaml`: from where people and groups are taken beside `directory.yaml`, and how far each source is trusted. */
export const sourcesSchema = z.strictObject({
  readers: z
    .array(
      principalId.refine(
        (id) => !id.startsWith('person/'),
        'is a person; snapshots are signed by an identity',
      ),
    )
    .min(1)
    .max(8)
    .describe('identities of directory.yaml that read the sources, and whose keys sign what they took'),
  staleAfter: durationUpTo(7 * 86_400_000)
    .default(24 * 3_600_000)
    .describe('how long a source may be away before its groups and roles count no more'),
  sources: z
    .record(identifier, sourceSchema)
    .refine(
      (named) => Object.keys(named).length <= SOURCE_LIMITS.sources,
      `are more than ${SOURCE_LIMITS.sources}`,
    )
    .describe('sources by name; where two give the same person, the first one counts'),
  calendars: z
    .record(identifier, calendar)
    .refine(
      (named) => Object.keys(named).length <= SOURCE_LIMITS.sources,
      `are more than ${SOURCE_LIMITS.sources}`,
    )
    .default({})
    .describe('calendars that say who is on call, by name'),
});
export type SourcesData = z.output<typeof sourcesSchema>;
