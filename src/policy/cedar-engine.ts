import './steady-wasm';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { FileProblem } from '../directory/yaml-file';
import { indexOfByte, lineAtIndex, lineInPolicy, type PolicyText, splitPolicies } from './cedar-source';
import { type PolicyRule, readRule } from './policy-rule';

export const ENGINE_VERSION = `cedar-${cedar.getCedarVersion()}`;

/** What Cedar is asked. Entities are only those that the question is about. */
export interface CedarQuestion {
  readonly principal: cedar.TypeAndId;
  readonly action: string;
  readonly resource: cedar.TypeAndId;
  readonly context: cedar.Context;
  readonly entities: cedar.Entities;
}

export type CedarAnswer =
  | { readonly decision: 'permit' | 'forbid'; readonly rules: readonly PolicyRule[] }
  /** Evaluation failed. Whoever asks must take it for a no. */
  | { readonly decision: 'error'; readonly message: string };

export type ReadEngine =
  | { readonly ok: true; readonly engine: CedarEngine }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** Policies of one bundle, parsed once. Cedar keeps what it has parsed under a name; the bundle's digest is that name. */
export class CedarEngine {
  readonly #name: string;
  readonly actions: ReadonlySet<string>;

  constructor(
    name: string,
    readonly rules: ReadonlyMap<string, PolicyRule>,
    actions: Iterable<string>,
  ) {
    this.#name = name;
    this.actions = new Set(actions);
  }

  /**
   * Asks without the schema: policies were validated against it when they were loaded, and the question is put together
   * by us, so checking it each time would cost a third of the answer for nothing. An attribute that is missing all the
   * same is an evaluation error, and that is a no.
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
    // Cedar tells them in no order of its own; whoever judges again must come to the same, to the letter.
    const rules = diagnostics.reason.toSorted().flatMap((id) => this.rules.get(id) ?? []);
    return { decision: decision === 'allow' ? 'permit' : 'forbid', rules };
  }
}

/** Reads schema and policies: parses, validates strictly, reads the annotations, and keeps them parsed under `name`. */
export function readEngine(name: string, schema: NamedText, sources: readonly NamedText[]): ReadEngine {
  const parsedSchema = cedar.schemaToJson(schema.text);
  if (parsedSchema.type === 'failure')
    return { ok: false, problems: schemaProblems(schema, parsedSchema.errors) };
  const policies = sources.flatMap(({ file, text }) => splitPolicies(file, text));
  const { rules, texts, problems } = readRules(policies);
  if (problems.length > 0) return { ok: false, problems };
  const invalid = validationProblems(schema.text, texts);
  if (invalid.length > 0) return { ok: false, problems: invalid };
  const staticPolicies = Object.fromEntries([...texts].map(([id, { text }]) => [id, text]));
  cedar.preparsePolicySet(name, { staticPolicies });
  const actions = Object.values(parsedSchema.json).flatMap((namespace) => Object.keys(namespace.actions));
  return { ok: true, engine: new CedarEngine(name, rules, actions) };
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
    const read = readRule(effect, annotationsOf(annotations), { file, line });
    if (!read.ok) {
      for (const issue of read.issues) problems.push({ file, line, message: annotationMessage(issue) });
      continue;
    }
    const earlier = rules.get(read.rule.id);
    if (earlier !== undefined)
      problems.push({
        file,
        line,
        message: `@id("${read.rule.id}") is taken by line ${earlier.line} of ${earlier.file}; ids are unique`,
      });
    rules.set(read.rule.id, read.rule);
    texts.set(read.rule.id, policy);
  }
  return { rules, texts, problems };
}

const annotationsOf = (annotations: cedar.Annotations): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [name, String(value ?? '')]));

function annotationMessage(issue: {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}) {
  const name = issue.path.map(String).join('.');
  if (issue.code === 'invalid_type') return `the policy has no @${name}; every policy needs it`;
  return name === '' ? `annotations: ${issue.message}; correct or remove them` : `@${name} ${issue.message}`;
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
