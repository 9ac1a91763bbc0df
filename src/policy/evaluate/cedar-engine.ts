import './steady-wasm';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { z } from 'zod';
import { didYouMean } from '../../directory/nearest';
import type { FileProblem } from '../../directory/yaml-file';
import { type DeclaredArguments, declaredArguments } from '../arguments/declared';
import { type ArgumentUse, argumentsReadBy } from '../arguments/read-by-policy';
import { indexOfByte, lineAtIndex, lineInPolicy, type PolicyText, splitPolicies } from '../load/cedar-source';
import { ANNOTATION_NAMES, type PolicyRule, readRule } from '../load/policy-rule';
import { type PresentedProperty, presentedProperties } from './presented-properties';

export const ENGINE_VERSION = `cedar-${cedar.getCedarVersion()}`;

/** A question to Cedar. It contains only the entities that the question is about. */
export interface CedarQuestion {
  readonly principal: cedar.TypeAndId;
  readonly action: string;
  readonly resource: cedar.TypeAndId;
  readonly context: cedar.Context;
  readonly entities: cedar.Entities;
}

export type CedarAnswer =
  | { readonly decision: 'permit' | 'forbid'; readonly rules: readonly PolicyRule[] }
  /** Evaluation failed. The caller must treat it as a denial. */
  | { readonly decision: 'error'; readonly message: string };

export type ReadEngine =
  | { readonly ok: true; readonly engine: CedarEngine }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** What policies look at, by the policy's id. */
interface PolicyReads {
  /** Properties that an enforcement point presents. */
  readonly presented: ReadonlyMap<string, readonly PresentedProperty[]>;
  readonly arguments: ReadonlyMap<string, readonly ArgumentUse[]>;
}

export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** The policies of one bundle, parsed once. Cedar caches them under a name, which is the bundle's digest. */
export class CedarEngine {
  readonly #name: string;
  readonly actions: ReadonlySet<string>;
  /** Properties of enforcement points that any policy speaks of, as `resource.ownerID`. */
  readonly spokenOf: ReadonlySet<string>;

  constructor(
    name: string,
    readonly rules: ReadonlyMap<string, PolicyRule>,
    actions: Iterable<string>,
    readonly reads: PolicyReads,
    readonly declared: DeclaredArguments['byAction'],
  ) {
    this.#name = name;
    this.actions = new Set(actions);
    this.spokenOf = new Set(
      [...reads.presented.values()].flatMap((properties) =>
        properties.map(({ of, name }) => `${of}.${name}`),
      ),
    );
  }

  /**
   * Asks without the schema. The policies were validated against it when they were loaded, and our own code builds the
   * question, so validating it each time would waste a third of the time. If an attribute is missing anyway, that is an
   * evaluation error, which counts as a denial.
   */
  ask({ principal, action, resource, context, entities }: CedarQuestion): CedarAnswer {
    const answer = cedar.statefulIsAuthorized({
      principal,
      action: { type: 'Action', id: action },
      resource,
      context,
      entities,
      preparsedPolicySetId: this.#name,
    });
    if (answer.type === 'failure') return { decision: 'error', message: messagesOf(answer.errors) };
    const { decision, diagnostics } = answer.response;
    const [error] = diagnostics.errors;
    if (error) return { decision: 'error', message: `${error.policyId}: ${error.error.message}` };
    // Cedar returns them in no fixed order; sort them, so that a repeated assessment is identical.
    const rules = diagnostics.reason.toSorted().flatMap((id) => this.rules.get(id) ?? []);
    return { decision: decision === 'allow' ? 'permit' : 'forbid', rules };
  }
}

/** Parses schema and policies, validates them strictly, reads the annotations, and caches them under `name`. */
export function readEngine(name: string, schema: NamedText, sources: readonly NamedText[]): ReadEngine {
  const parsedSchema = cedar.schemaToJson(schema.text);
  if (parsedSchema.type === 'failure')
    return { ok: false, problems: schemaProblems(schema, parsedSchema.errors) };
  const declared = declaredArguments(parsedSchema.json);
  const policies = sources.flatMap(({ file, text }) => splitPolicies(file, text));
  const { rules, texts, reads, problems } = readRules(policies);
  const line = lineAtIndex(schema.text, Math.max(0, schema.text.search(/\barguments\b/)));
  problems.push(...declared.problems.map((message) => ({ file: schema.file, line, message })));
  if (problems.length > 0) return { ok: false, problems };
  const invalid = validationProblems(schema.text, texts);
  if (invalid.length > 0) return { ok: false, problems: invalid };
  const staticPolicies = Object.fromEntries([...texts].map(([id, { text }]) => [id, text]));
  cedar.preparsePolicySet(name, { staticPolicies });
  const actions = Object.values(parsedSchema.json).flatMap((namespace) => Object.keys(namespace.actions));
  return { ok: true, engine: new CedarEngine(name, rules, actions, reads, declared.byAction) };
}

function schemaProblems(
  { file, text }: NamedText,
  errors: readonly cedar.DetailedError[],
): readonly FileProblem[] {
  return errors.map((error) => ({
    file,
    line: lineAtIndex(text, indexOfByte(text, error.sourceLocations?.[0]?.start ?? 0)),
    message: `${error.message}; correct the schema`,
  }));
}

function readRules(policies: readonly PolicyText[]) {
  const rules = new Map<string, PolicyRule>();
  const texts = new Map<string, PolicyText>();
  const presented = new Map<string, readonly PresentedProperty[]>();
  const read = new Map<string, readonly ArgumentUse[]>();
  const problems: FileProblem[] = [];
  for (const policy of policies) {
    const { file, firstLine: line } = policy;
    const parsed = cedar.policyToJson(policy.text);
    if (parsed.type === 'failure') {
      const at = indexOfByte(policy.text, parsed.errors[0]?.sourceLocations?.[0]?.start ?? 0);
      problems.push({
        file,
        line: lineInPolicy(policy, at),
        message: `${messagesOf(parsed.errors)}; correct the policy`,
      });
      continue;
    }
    const { effect, annotations = {} } = parsed.json;
    const rule = readRule(effect, annotationsOf(annotations), { file, line });
    if (!rule.ok) {
      for (const issue of rule.issues) problems.push(...annotationProblems(issue, effect, policy));
      continue;
    }
    const { id } = rule.rule;
    const earlier = rules.get(id);
    if (earlier !== undefined)
      problems.push({
        file,
        line,
        message: `@id("${id}") is taken by line ${earlier.line} of ${earlier.file}; ids are unique`,
      });
    rules.set(id, rule.rule);
    texts.set(id, policy);
    presented.set(id, presentedProperties(parsed.json));
    read.set(id, argumentsReadBy(parsed.json));
  }
  return { rules, texts, reads: { presented, arguments: read }, problems };
}

const annotationsOf = (annotations: cedar.Annotations): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [name, String(value ?? '')]));

/** What is wrong with annotations of a policy, each on its own line of the file. */
function annotationProblems(
  issue: z.core.$ZodIssue,
  effect: 'permit' | 'forbid',
  policy: PolicyText,
): readonly FileProblem[] {
  const { file } = policy;
  const lineOf = (name: string): number =>
    lineInPolicy(policy, Math.max(0, policy.text.search(new RegExp(`@${name}\\b`))));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      file,
      line: lineOf(key),
      message: `@${key} is not an annotation of a ${effect}; correct or remove it${didYouMean(key, ANNOTATION_NAMES[effect])}`,
    }));
  const name = issue.path.map(String).join('.');
  if (issue.code === 'invalid_type')
    return [{ file, line: policy.firstLine, message: `the policy has no @${name}; every policy needs it` }];
  const message = name === '' ? `annotations: ${issue.message}; correct them` : `@${name} ${issue.message}`;
  return [{ file, line: lineOf(name), message }];
}

function validationProblems(schema: string, texts: ReadonlyMap<string, PolicyText>): readonly FileProblem[] {
  const staticPolicies = Object.fromEntries([...texts].map(([id, { text }]) => [id, text]));
  const answer = cedar.validate({
    schema,
    policies: { staticPolicies },
    validationSettings: { mode: 'strict' },
  });
  if (answer.type === 'failure') return [{ file: '*.cedar', line: 1, message: messagesOf(answer.errors) }];
  return answer.validationErrors.flatMap(({ policyId, error }) => {
    const policy = texts.get(policyId);
    if (policy === undefined) return [];
    const at = indexOfByte(policy.text, error.sourceLocations?.[0]?.start ?? 0);
    return [
      {
        file: policy.file,
        line: lineInPolicy(policy, at),
        message: `${policyId}: ${error.message}; correct the policy or the schema`,
      },
    ];
  });
}

const messagesOf = (errors: readonly cedar.DetailedError[]): string =>
  errors
    .map((error) => error.message)
    .join('; ')
    .replace(/\s+/g, ' ');
