import { z } from 'zod';
import { identifier, principalId } from '../../contracts/request';
import { PRINCIPAL_KINDS } from '../../domain/principal';

/** As long as AuthZEN's own words are taken (`entities.ts`). */
const word = z.string().min(1).max(256);
const subjectType = word.refine(
  (type) => !PRINCIPAL_KINDS.some((kind) => kind === type),
  'is a kind of principal, whose names are taken as they are; leave it out',
);
const kind = z.enum(PRINCIPAL_KINDS);
const actions = z.record(word, identifier).default({});

const subjectRule = z.union(
  [
    z.strictObject({ type: subjectType, id: word, principal: principalId }),
    z.strictObject({ type: subjectType, prefix: z.string().max(256), kind }),
    /** The identity whose attribute has the value of the subject's property. */
    z.strictObject({ type: subjectType, claim: word, attribute: identifier }),
  ],
  { error: 'must be { type, id, principal }, { type, prefix, kind } or { type, claim, attribute }' },
);
const resourceRule = z.union(
  [
    z.strictObject({ type: word, id: word, connector: identifier, resource: identifier, actions }),
    z.strictObject({ type: word, prefix: z.string().max(256), connector: identifier, actions }),
  ],
  {
    error: 'must be { type, id, connector, resource } or { type, prefix, connector }, with actions if needed',
  },
);
export type SubjectRule = z.output<typeof subjectRule>;
export type ResourceRule = z.output<typeof resourceRule>;

/**
 * `names:` in `gateway.yaml`: what enforcement points call subjects and resources that have other names here. No two names of one
 * type come to stand for one principal or one resource.
 */
export const namesSchema = z
  .strictObject({
    subjects: z.array(subjectRule).max(10_000).default([]),
    resources: z.array(resourceRule).max(10_000).default([]),
  })
  .superRefine(({ subjects, resources }, context) => {
    const refuse = (part: 'subjects' | 'resources', index: number, message: string) =>
      context.addIssue({ code: 'custom', path: [part, index], message });
    for (const [index, problem] of collisions(subjects, subjectClaimsOf)) refuse('subjects', index, problem);
    for (const [index, problem] of collisions(resources, resourceClaimsOf))
      refuse('resources', index, problem);
  });
export type NamesConfig = z.output<typeof namesSchema>;

/** What a rule takes for itself: a name, or all names that begin alike; and what that comes to stand for. */
interface Claims {
  readonly type: string;
  readonly name: { readonly is: string } | { readonly begins: string } | { readonly property: string };
  readonly target: { readonly is: string } | { readonly allOf: string };
}

const subjectClaimsOf = (rule: SubjectRule): Claims => {
  const { type } = rule;
  if ('claim' in rule) return { type, name: { property: rule.claim }, target: { allOf: '' } };
  if ('id' in rule) return { type, name: { is: rule.id }, target: { is: rule.principal } };
  return { type, name: { begins: rule.prefix }, target: { allOf: `${rule.kind}/` } };
};
const resourceClaimsOf = (rule: ResourceRule): Claims =>
  'id' in rule
    ? { type: rule.type, name: { is: rule.id }, target: { is: `${rule.connector}:${rule.resource}` } }
    : { type: rule.type, name: { begins: rule.prefix }, target: { allOf: `${rule.connector}:` } };

/** Finds rules of one type that take the same names, or lead different names to the same target. */
function* collisions<Rule>(
  rules: readonly Rule[],
  claimsOf: (rule: Rule) => Claims,
): Generator<readonly [number, string]> {
  const names = new Set<string>();
  const targets = new Set<string>();
  const wide = new Map<string, string[]>();
  for (const [index, rule] of rules.entries()) {
    const { type, name, target } = claimsOf(rule);
    const own = JSON.stringify([type, name]);
    if (names.has(own)) yield [index, 'takes the same names as an earlier rule; remove one of the two'];
    names.add(own);
    const to = JSON.stringify([type, target]);
    if (targets.has(to))
      yield [index, 'leads to what an earlier rule of this type leads to; two names would be taken for one'];
    targets.add(to);
    if (!('begins' in name)) continue;
    const earlier = wide.get(type) ?? [];
    const nested = earlier.some((one) => one.startsWith(name.begins) || name.begins.startsWith(one));
    if (nested) yield [index, 'begins like an earlier prefix, or the other way round; keep them apart'];
    wide.set(type, [...earlier, name.begins]);
  }
}
