import type { Directory } from '../../directory/directory';
import { isPrincipalId, PRINCIPAL_KINDS, type PrincipalId } from '../../domain/principal';
import type { Entitlement } from '../../domain/request';
import type { Action, Resource, Subject } from './entities';
import type { NamesConfig, ResourceRule, SubjectRule } from './names-config';

/** Kinds of principals that AuthZEN calls by another name. */
const KINDS: Readonly<Record<string, string>> = { user: 'person' };

const PLAIN_IN_PRINCIPALS = /[a-z0-9.-]/;
const PLAIN_IN_RESOURCES = /[A-Za-z0-9.:/@-]/;

/**
 * Writes any text as a name: what a name of ours cannot have, and `_` itself, becomes `_` and two hexadecimal digits for each
 * byte of UTF-8. So no two texts become one name.
 */
function nameFrom(text: string, plain: RegExp): string {
  return [...text]
    .map((one) => (plain.test(one) ? one : Buffer.from(one).toString('hex').replace(/../g, '_$&')))
    .join('');
}

/** Returns the text that `nameFrom` made a name of, or undefined if it made that name of none. */
function textFrom(name: string, plain: RegExp): string | undefined {
  const bytes = name.replace(/_([0-9a-f]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return nameFrom(text, plain) === name ? text : undefined;
}

export interface WrongMember {
  readonly member: string;
  readonly detail: string;
}

/** What enforcement points call principals and resources. Names of ours are taken as they are, beside the rules of `gateway.yaml`. */
export class Names {
  readonly #subjects: ReadonlyMap<string, Extract<SubjectRule, { id: string }>>;
  readonly #resources: ReadonlyMap<string, Extract<ResourceRule, { id: string }>>;

  constructor(private readonly rules: NamesConfig) {
    this.#subjects = new Map(
      rules.subjects.flatMap((rule) => ('id' in rule ? [[keyOf(rule.type, rule.id), rule]] : [])),
    );
    this.#resources = new Map(
      rules.resources.flatMap((rule) => ('id' in rule ? [[keyOf(rule.type, rule.id), rule]] : [])),
    );
  }

  /**
   * Returns the principal that a subject names: by an exact rule, by one of its properties, by a prefix, or by a name of ours.
   * Returns undefined if no principal can have that name.
   */
  principalOf(directory: Directory, { type, id, properties }: Subject): PrincipalId | undefined {
    const exact = this.#subjects.get(keyOf(type, id));
    if (exact !== undefined) return exact.principal;
    const own = this.rules.subjects.filter((rule) => rule.type === type);
    for (const rule of own) {
      const value = 'claim' in rule ? properties?.[rule.claim] : undefined;
      // Whoever names a value that nobody has, or several, is nobody: not the one that the id would name.
      if ('claim' in rule && value !== undefined)
        return typeof value === 'string' ? directory.holderOf(rule.attribute, value) : undefined;
    }
    const begun = own.find((rule) => 'prefix' in rule && id.startsWith(rule.prefix));
    const principal =
      begun !== undefined && 'prefix' in begun
        ? `${begun.kind}/${nameFrom(id.slice(begun.prefix.length), PLAIN_IN_PRINCIPALS)}`
        : `${KINDS[type] ?? type}/${id}`;
    if (!isPrincipalId(principal)) return undefined;
    // A principal that has an exact name of this type has no other.
    const hasOther = own.some((rule) => 'id' in rule && rule.principal === principal);
    return hasOther ? undefined : principal;
  }

  /** Says which member of a subject leads to no principal. Undefined if both lead to one. */
  wrongSubject(directory: Directory, subject: Subject): WrongMember | undefined {
    const own = this.rules.subjects.map(({ type }) => type);
    const types = [...new Set([...Object.keys(KINDS), ...PRINCIPAL_KINDS, ...own])];
    if (!types.includes(subject.type))
      return { member: 'subject.type', detail: `subject.type is one of ${types.slice(0, 16).join(', ')}` };
    if (this.principalOf(directory, subject) !== undefined) return undefined;
    const detail = own.includes(subject.type)
      ? 'no rule for subjects of this type leads to a principal; subject.id is one that a rule names, or begins as one says'
      : 'subject.id is the name without its kind: small letters, digits, . _ and -, at most 63';
    return { member: 'subject.id', detail };
  }

  /** Returns a principal as a subject of this type, or undefined if it has no name of that type. */
  subjectOf(principal: PrincipalId, type: string): { type: string; id: string } | undefined {
    const own = this.rules.subjects.filter((rule) => rule.type === type);
    const exact = own.find((rule) => 'id' in rule && rule.principal === principal);
    if (exact !== undefined && 'id' in exact) return { type, id: exact.id };
    const [kind = '', name = ''] = principal.split('/');
    const begun = own.find((rule) => 'prefix' in rule && rule.kind === kind);
    if (begun === undefined || !('prefix' in begun)) return nativeSubject(principal, type);
    const rest = textFrom(name, PLAIN_IN_PRINCIPALS);
    return rest === undefined ? undefined : { type, id: `${begun.prefix}${rest}` };
  }

  /** Returns the entitlement that a resource and an action name: by an exact rule, by a prefix, or by names of ours. */
  entitlementOf({ type, id }: Pick<Resource, 'type' | 'id'>, { name }: Pick<Action, 'name'>): Entitlement {
    const exact = this.#resources.get(keyOf(type, id));
    if (exact !== undefined) {
      const { connector, resource } = exact;
      return { connector, resource, action: actionOf(exact, name) };
    }
    const own = this.rules.resources.filter((rule) => rule.type === type);
    const begun = own.find((rule) => 'prefix' in rule && id.startsWith(rule.prefix));
    if (begun === undefined || !('prefix' in begun)) return { connector: type, resource: id, action: name };
    const { connector, prefix } = begun;
    const resource = nameFrom(id.slice(prefix.length), PLAIN_IN_RESOURCES);
    const hasOther = own.some(
      (rule) => 'id' in rule && rule.connector === connector && rule.resource === resource,
    );
    // A resource that has an exact name of this type has no other: what has none names no entitlement.
    return { connector, resource: hasOther ? '' : resource, action: actionOf(begun, name) };
  }

  /** Returns what a resource is called among those of this type, or undefined if it has no name of that type. */
  resourceOf({ connector, resource }: Entitlement, type: string): string | undefined {
    const own = this.rules.resources.filter((rule) => rule.type === type && rule.connector === connector);
    const exact = own.find((rule) => 'id' in rule && rule.resource === resource);
    if (exact !== undefined && 'id' in exact) return exact.id;
    const begun = own.find((rule) => 'prefix' in rule);
    if (begun === undefined || !('prefix' in begun)) return connector === type ? resource : undefined;
    const rest = textFrom(resource, PLAIN_IN_RESOURCES);
    return rest === undefined ? undefined : `${begun.prefix}${rest}`;
  }
}

/** Returns a principal as a subject by its own name, or undefined if it is of another type. */
export function nativeSubject(
  principal: PrincipalId,
  type: string,
): { type: string; id: string } | undefined {
  const [kind = '', id = ''] = principal.split('/');
  return (KINDS[type] ?? type) === kind ? { type, id } : undefined;
}

const keyOf = (type: string, id: string): string => JSON.stringify([type, id]);
const actionOf = ({ actions }: ResourceRule, name: string): string =>
  Object.hasOwn(actions, name) ? (actions[name] ?? name) : name;
