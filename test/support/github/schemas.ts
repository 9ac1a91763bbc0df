import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';

/* What GitHub sends and takes, by the schemas that GitHub publishes. */

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** GitHub's schemas name a dialect in each definition, in a spelling that no reader knows. */
function withoutDialect(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDialect);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (name === '$schema' ? [] : [[name, withoutDialect(one)]])),
  );
}

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const read = (file: string): Json => {
  const parsed = withoutDialect(JSON.parse(readFileSync(file, 'utf8')));
  if (!isObject(parsed)) throw new Error(`${file} is no object`);
  return parsed;
};

const webhooks = read(require.resolve('@octokit/webhooks-schemas/schema.json'));
const definitions = isObject(webhooks['definitions']) ? webhooks['definitions'] : {};
const RULE = 'deployment_protection_rule$requested';
const validRule = ajv.compile({ definitions, $ref: `#/definitions/${RULE}` });

/** @throws Error unless the message is what GitHub says that it sends */
const checkRuleMessage = (message: unknown): void => check(validRule, message, RULE);

/** Returns a message with every member that GitHub says it always has, and what is given in place of some. */
export function ruleMessage(given: Json): Json {
  const message = merged(
    { ...objectOf(definitions[RULE]), deployment: objectOf(definitions['deployment']) },
    given,
  );
  checkRuleMessage(message);
  return message;
}

function merged(under: Json, over: Json): Json {
  const both = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = both[name];
    both[name] = isObject(below) && isObject(value) ? merged(below, value) : value;
  }
  return both;
}

function objectOf(schema: unknown): Json {
  const made = instanceOf(schema);
  if (!isObject(made)) throw new Error('the schema is of no object');
  return made;
}

/** Returns the smallest thing that a schema allows. */
function instanceOf(schema: unknown): unknown {
  if (!isObject(schema)) return null;
  const { $ref: ref, enum: values, oneOf, anyOf, allOf, type, properties, required } = schema;
  if (typeof ref === 'string') return instanceOf(definitions[ref.replace('#/definitions/', '')]);
  if (Array.isArray(values)) return values[0];
  for (const choice of [oneOf, anyOf]) if (Array.isArray(choice)) return instanceOf(choice[0]);
  if (Array.isArray(allOf)) return allOf.map(objectOf).reduce(merged, {});
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object': {
      const names = Array.isArray(required) ? required.map(String) : [];
      const known = isObject(properties) ? properties : {};
      return Object.fromEntries(names.map((name) => [name, instanceOf(known[name])]));
    }
    case 'array':
      return [];
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return false;
    case 'string':
      return 'x';
    default:
      return null;
  }
}

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly status: number;
  readonly request?: ValidateFunction;
  readonly response?: ValidateFunction;
}

const api = read(path.resolve(__dirname, '../../fixtures/github/api.json'));

/** One operation of GitHub's API, as its OpenAPI document describes it. */
export function operation(
  name:
    | 'answerRule'
    | 'installationToken'
    | 'run'
    | 'deployment'
    | 'createCheckRun'
    | 'updateCheckRun'
    | 'listCheckRuns',
): Operation {
  const one = api[name];
  if (!isObject(one)) throw new Error(`no operation ${name}`);
  const { path: at, method, status, request, response } = one;
  return {
    path: String(at),
    method: String(method),
    status: Number(status),
    ...(isObject(request) && { request: ajv.compile(request) }),
    ...(isObject(response) && { response: ajv.compile(response) }),
  };
}

/** @throws Error unless the value is valid */
export function check(validate: ValidateFunction, value: unknown, what: string): void {
  if (!validate(value)) throw new Error(`${what}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
}
