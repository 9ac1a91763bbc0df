import { type Attribute, KINDS, type Schema } from './schema';
import { MOST_RESULTS } from './search';

const SPC = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';

/** What this server can do (RFC 7643 section 5). */
export const serviceProviderConfig = (baseUrl: string) => ({
  schemas: [SPC],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: MOST_RESULTS },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'The token in tokenFile of sources.yaml',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
});

/** The kinds of resources (RFC 7643 section 6). */
export const resourceTypes = (baseUrl: string) =>
  KINDS.map(({ kind, endpoint, core, extensions }) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: kind,
    name: kind,
    endpoint: `/${endpoint}`,
    description: core.description,
    schema: core.id,
    ...(extensions.length > 0 && {
      schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    }),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${kind}` },
  }));

/** The schemas of what is kept (RFC 7643 section 7). */
export const schemas = (baseUrl: string) =>
  KINDS.flatMap(({ core, extensions }) => [core, ...extensions]).map((schema) => schemaOf(schema, baseUrl));

const schemaOf = ({ id, name, description, attributes }: Schema, baseUrl: string) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
  id,
  name,
  description,
  attributes: attributes.map(describe),
  meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
});

function describe(attribute: Attribute): Record<string, unknown> {
  const { name, type, description, multiValued, required, caseExact, readOnly, unique, sub } = attribute;
  const { canonicalValues, referenceTypes } = attribute;
  return {
    name,
    type,
    multiValued: multiValued ?? false,
    description,
    required: required ?? false,
    ...((type === 'string' || type === 'reference') && {
      caseExact: caseExact ?? type === 'reference',
      uniqueness: unique ? 'server' : 'none',
    }),
    mutability: readOnly ? 'readOnly' : 'readWrite',
    returned: 'default',
    ...(canonicalValues && { canonicalValues }),
    ...(referenceTypes && { referenceTypes }),
    ...(sub && { subAttributes: sub.map(describe) }),
  };
}

/** Puts resources into the form of a list (RFC 7644 section 3.4.2). */
export const listOf = (
  resources: readonly object[],
  total: number = resources.length,
  startIndex = 1,
): Record<string, unknown> => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});
