import { SOURCE_LIMITS } from '../../directory/sources/sources-file';

/** An attribute that is kept, as RFC 7643 section 7 describes one. Attributes that are not listed here are ignored, and never stored. */
export interface Attribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'reference' | 'complex';
  readonly description: string;
  readonly multiValued?: true;
  readonly required?: true;
  readonly caseExact?: true;
  readonly readOnly?: true;
  readonly unique?: true;
  readonly sub?: readonly Attribute[];
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  /** Characters, or values of an attribute with several. */
  readonly most?: number;
}

export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

/** A kind of resource: its own schema, and those that extend it. */
export interface ResourceKind {
  readonly kind: 'User' | 'Group';
  readonly endpoint: 'Users' | 'Groups';
  readonly core: Schema;
  readonly extensions: readonly Schema[];
  /** The attribute that names a resource. No two of a source have the same. */
  readonly nameAttribute: 'userName' | 'displayName';
}

/** Names are also keys of an index, which holds no more than 2,700 bytes. */
const NAME_CHARACTERS = 200;
export const TEXT_CHARACTERS = 500;
export const MOST_VALUES = 20;

const text = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  description,
  ...more,
});

/** Attributes that every resource has (RFC 7643 section 3.1). `id` and `meta` are ours. */
export const COMMON: readonly Attribute[] = [
  text('id', 'identifier that the gateway gives', { readOnly: true, caseExact: true }),
  text('externalId', 'identifier that the identity provider gives', {
    caseExact: true,
    most: NAME_CHARACTERS,
  }),
];

const USER: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A person',
  attributes: [
    text('userName', 'name that is unique at the identity provider', {
      required: true,
      unique: true,
      most: NAME_CHARACTERS,
    }),
    {
      name: 'name',
      type: 'complex',
      description: 'parts of the name',
      sub: ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'].map(
        (part) => text(part, `${part} of the person`),
      ),
    },
    text('displayName', 'how pages and messages call them'),
    text('nickName', 'what others call them'),
    text('title', 'title in the company'),
    text('userType', 'relation to the company'),
    text('preferredLanguage', 'language'),
    text('locale', 'locale'),
    text('timezone', 'time zone'),
    { name: 'active', type: 'boolean', description: 'false for somebody who is disabled' },
    {
      name: 'emails',
      type: 'complex',
      description: 'mail addresses',
      multiValued: true,
      sub: [
        text('value', 'the address'),
        text('display', 'how it is shown'),
        text('type', 'what it is for', { canonicalValues: ['work', 'home', 'other'] }),
        { name: 'primary', type: 'boolean', description: 'true for the preferred one' },
      ],
    },
  ],
};

const ENTERPRISE: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'A person in a company',
  attributes: [
    text('employeeNumber', 'number of the person in the company'),
    text('costCenter', 'cost center'),
    text('organization', 'organization'),
    text('division', 'division'),
    text('department', 'department'),
    {
      name: 'manager',
      type: 'complex',
      description: 'the person who answers for them',
      sub: [
        text('value', 'id of their resource'),
        {
          name: '$ref',
          type: 'reference',
          description: 'address of their resource',
          referenceTypes: ['User'],
        },
        text('displayName', 'their name', { readOnly: true }),
      ],
    },
  ],
};

const COUNTERSIGN: Schema = {
  id: 'urn:countersign:params:scim:schemas:extension:2.0:User',
  name: 'CountersignUser',
  description: 'What RFC 7643 has no place for',
  attributes: [text('endDate', 'day or time when they leave (ISO 8601)')],
};

const GROUP: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A group of people and groups',
  attributes: [
    text('displayName', 'name that is unique at the identity provider', {
      required: true,
      unique: true,
      most: NAME_CHARACTERS,
    }),
    {
      name: 'members',
      type: 'complex',
      description: 'people and groups in it',
      multiValued: true,
      most: SOURCE_LIMITS.members,
      sub: [
        text('value', 'id of the resource', { caseExact: true, most: NAME_CHARACTERS }),
        {
          name: '$ref',
          type: 'reference',
          description: 'address of the resource',
          referenceTypes: ['User', 'Group'],
        },
        text('type', 'what it is', { canonicalValues: ['User', 'Group'] }),
        text('display', 'how it is shown'),
      ],
    },
  ],
};

const USERS: ResourceKind = {
  kind: 'User',
  endpoint: 'Users',
  core: USER,
  extensions: [ENTERPRISE, COUNTERSIGN],
  nameAttribute: 'userName',
};
const GROUPS: ResourceKind = {
  kind: 'Group',
  endpoint: 'Groups',
  core: GROUP,
  extensions: [],
  nameAttribute: 'displayName',
};
export const KINDS = [USERS, GROUPS] as const;

/** Finds an attribute by its name, which is the same in small and capital letters (RFC 7643 section 2.1). */
export const attributeNamed = (attributes: readonly Attribute[], name: string): Attribute | undefined => {
  const small = name.toLowerCase();
  return attributes.find((one) => one.name.toLowerCase() === small);
};

/** A path such as `name.familyName`, or one that begins with the name of a schema. */
export interface Located {
  /** The extension in which the attribute lies. Undefined for the resource itself. */
  readonly extension?: Schema;
  /** Undefined if the path names the whole extension. */
  readonly attribute?: Attribute;
  /** What follows the attribute. */
  readonly rest: string;
}

/** Finds the attribute at the beginning of a path. Returns undefined if it is not kept here. */
export function locate(kind: ResourceKind, path: string): Located | undefined {
  const small = path.toLowerCase();
  for (const schema of [kind.core, ...kind.extensions]) {
    const extension = schema === kind.core ? {} : { extension: schema };
    const urn = schema.id.toLowerCase();
    if (small === urn) return { ...extension, rest: '' };
    if (small.startsWith(`${urn}:`)) return within(schema.attributes, path.slice(urn.length + 1), extension);
  }
  return small.startsWith('urn:') ? undefined : within([...COMMON, ...kind.core.attributes], path, {});
}

function within(
  attributes: readonly Attribute[],
  path: string,
  extension: { readonly extension?: Schema },
): Located | undefined {
  const [name = ''] = /^[$\w-]+/.exec(path) ?? [];
  const attribute = attributeNamed(attributes, name);
  return attribute && { ...extension, attribute, rest: path.slice(name.length) };
}
