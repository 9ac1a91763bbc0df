import type { PushedRow } from '../../directory/sources/pushed/store';
import { isObject, schemasOf, type Values } from './resource';
import type { ResourceKind } from './schema';

export const etagOf = ({ version }: Pick<PushedRow, 'version'>): string => `W/"${version}"`;

/** Returns a resource as it is shown, with the attributes that only the gateway sets. */
export function resourceOf(
  kind: ResourceKind,
  row: PushedRow,
  values: Values,
  baseUrl: string,
): Record<string, unknown> {
  return {
    schemas: schemasOf(kind, values).map(({ id }) => id),
    id: row.id,
    ...values,
    meta: {
      resourceType: kind.kind,
      created: new Date(row.createdAtMs).toISOString(),
      lastModified: new Date(row.changedAtMs).toISOString(),
      location: `${baseUrl}/${kind.endpoint}/${row.id}`,
      version: etagOf(row),
    },
  };
}

/** Which attributes an answer has (RFC 7644 section 3.9). */
export interface Projection {
  readonly attributes: readonly string[];
  readonly excluded: readonly string[];
}

const ALWAYS = ['schemas', 'id'];

/**
 * Returns the part of a resource that the caller asked for. Attributes that are asked for win over excluded ones. An
 * attribute of which only members are named keeps the members that are asked for, or those that are not excluded.
 */
export function projected(
  resource: Readonly<Record<string, unknown>>,
  { attributes, excluded }: Projection,
): Record<string, unknown> {
  const keepsNamed = attributes.length > 0;
  const keys = Object.keys(resource);
  const steps = (keepsNamed ? attributes : excluded).map((path) => stepsOf(path, keys));
  return Object.fromEntries(
    Object.entries(resource).flatMap(([key, value]) => {
      if (ALWAYS.includes(key)) return [[key, value]];
      const named = steps.filter(([top]) => top === key.toLowerCase());
      const isNamed = named.length > 0;
      const isWhole = !isNamed || named.some(([, sub]) => sub === undefined);
      if (isWhole) return isNamed === keepsNamed ? [[key, value]] : [];
      const subs = named.map(([, sub]) => sub);
      return [[key, withinEach(value, (name) => subs.includes(name) === keepsNamed)]];
    }),
  );
}

/** Splits a path into the member of the resource and what is asked for within it, in small letters. */
function stepsOf(path: string, keys: readonly string[]): readonly [string, string | undefined] {
  const small = path.trim().toLowerCase();
  const extension = keys
    .map((key) => key.toLowerCase())
    .find((key) => key.startsWith('urn:') && small.startsWith(key));
  if (extension !== undefined) return [extension, small.slice(extension.length + 1) || undefined];
  const [top = '', sub] = small.replace(/^urn:ietf:params:scim:schemas:core:2\.0:\w+:/, '').split('.');
  return [top, sub];
}

function withinEach(value: unknown, isKept: (name: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => withinEach(one, isKept));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => isKept(name.toLowerCase())));
}
