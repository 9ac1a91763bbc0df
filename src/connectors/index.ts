import { z } from 'zod';
import type { Logger } from '../contracts/logger';
import { awsIdentityCenter } from './aws-identity-center/definition';
import type { Connector } from './contract';
import type { ConnectorDefinition } from './definition';
import { executionToken } from './execution-token/definition';
import { keycloakGroup } from './keycloak-group/definition';
import { kubernetes } from './kubernetes/definition';
import { ldapGroup } from './ldap-group/definition';
import { LEASE_BOOK_TABLES } from './lease-book/migrations';
import { mysql } from './mysql/definition';
import { postgresql } from './postgresql/definition';
import { scimGroup } from './scim-group/definition';
import {
  addressOf,
  addressVariable,
  type Environment,
  isSet,
  readSetting,
  settingVariable,
  targetVariable,
} from './settings';
import { sshCertificate } from './ssh-certificate/definition';
import type { Expected, TargetCheck } from './target-check';
import { webhook } from './webhook/definition';

/** Every kind of connector there is. A new kind is a folder here and an entry in this list. */
export const CONNECTOR_DEFINITIONS: readonly ConnectorDefinition[] = [
  postgresql,
  executionToken,
  ldapGroup,
  kubernetes,
  webhook,
  mysql,
  sshCertificate,
  keycloakGroup,
  scimGroup,
  awsIdentityCenter,
];

/** A connector that the catalog declares. */
export interface Declared {
  readonly name: string;
  readonly kind: string;
}

/** Returns undefined if there is no such kind. */
export const findDefinition = (kind: string): ConnectorDefinition | undefined =>
  CONNECTOR_DEFINITIONS.find((definition) => definition.kind === kind);

/** The kinds there are, for messages. */
export const kindNames = (): string => CONNECTOR_DEFINITIONS.map(({ kind }) => kind).join(', ');

/**
 * Makes the connectors that the catalog declares, by name. Settings come from the environment, or from the files that
 * `…_FILE` names.
 *
 * @throws Error of one line, without any value, if a kind is unknown or a setting is missing
 */
export async function createConnectors(
  declared: readonly Declared[],
  env: Environment,
  log?: Logger,
): Promise<ReadonlyMap<string, Connector>> {
  const ready = declared.map((one) => ({
    one,
    definition: definitionOf(one),
    settings: connectorSettings(one, env),
  }));
  const made = ready.map(async ({ one, definition, settings }) => {
    const surroundings = { name: one.name, leaseBook: () => leaseBookAddress(declared, env), log };
    return [one.name, await definition.make(settings, surroundings)] as const;
  });
  return new Map(await Promise.all(made));
}

const LEASE_BOOK = 'COUNTERSIGN_LEASES_URL';

/** The lease book's address: its own setting, or where the ledger is by its setting or beside the only PostgreSQL target. */
export function leaseBookAddress(declared: readonly Declared[], env: Environment): string {
  const variable = [LEASE_BOOK, LEDGER].find((one) => isSet(one, env));
  if (variable !== undefined) return readSetting('lease book', variable, env);
  const [only, ...others] = databasesOf(declared);
  if (only === undefined || others.length > 0)
    throw new Error(`lease book: set ${LEASE_BOOK} to the PostgreSQL database that holds it`);
  return addressOf(only.name, env);
}

/** The setting that says where the ledger is. */
export const LEDGER = 'COUNTERSIGN_LEDGER_URL';

/** Returns the connectors whose target can hold a store of ours. */
export const databasesOf = (declared: readonly Declared[]): readonly Declared[] =>
  declared.filter(({ kind }) => findDefinition(kind)?.canHoldLedger);

/** What keeps the connectors from being reached, to the extent that settings can tell; each problem in one line. */
export const connectorProblems = (declared: readonly Declared[], env: Environment): readonly string[] =>
  declared.flatMap((one) => {
    try {
      connectorSettings(one, env);
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  });

/**
 * Tries on the target of a connector what it needs, and in the lease book if its leases lie there. A missing setting comes back
 * as a check that is not `ok`.
 *
 * @param all every connector of the catalog, which the place of the lease book follows from
 * @throws Error of one line if there is no such kind
 */
export async function checkConnector(
  declared: Declared,
  all: readonly Declared[],
  expected: Expected,
  env: Environment,
): Promise<readonly TargetCheck[]> {
  const definition = definitionOf(declared);
  const [problem] = connectorProblems([declared], env);
  if (problem !== undefined) return [{ what: 'settings', ok: false, detail: problem }];
  const checks = await definition.check(connectorSettings(declared, env), expected);
  return definition.leases === 'in-target' ? checks : [...checks, await checkLeaseBook(definition, all, env)];
}

/** Checks that the lease book can be reached and written. Changes nothing. */
async function checkLeaseBook(
  { ownTables = [] }: ConnectorDefinition,
  all: readonly Declared[],
  env: Environment,
): Promise<TargetCheck> {
  const what = 'lease book';
  try {
    const { checkDatabase } = await import('./target-check.js');
    const checks = await checkDatabase(leaseBookAddress(all, env), [...LEASE_BOOK_TABLES, ...ownTables]);
    const wrong = checks.find(({ ok }) => !ok);
    return { what, ok: wrong === undefined, detail: (wrong ?? checks[0])?.detail ?? '' };
  } catch (error) {
    return { what, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Names of the environment variables that hold the settings of a connector. */
export const settingNames = (connector: string, { settings }: ConnectorDefinition): readonly string[] =>
  Object.keys(settings.shape).map((setting) =>
    settingVariable(connector, setting).replace('_NAME_', '<NAME>'),
  );

/** Returns the login of a connector, from its own setting or from its address. Undefined if that is not set or names none. */
export function loginOf({ name, kind }: Declared, env: Environment): string | undefined {
  const setting = findDefinition(kind)?.loginSetting;
  const variable = setting === undefined ? addressVariable(name) : settingVariable(name, setting);
  if (!isSet(variable, env)) return undefined;
  const value = readSetting(`connector ${name}`, variable, env);
  if (setting !== undefined) return value;
  return URL.canParse(value) ? decodeURIComponent(new URL(value).username) || undefined : undefined;
}

/** True if the settings say where any connector is. A worker needs all of them, a client none. */
export const hasAnySetting = (declared: readonly Declared[], env: Environment): boolean =>
  declared.some(({ name, kind }) =>
    variablesOf(name, findDefinition(kind)).some(({ variable }) => isSet(variable, env)),
  );

function definitionOf({ name, kind }: Declared): ConnectorDefinition {
  const definition = findDefinition(kind);
  if (definition === undefined)
    throw new Error(`connector ${name}: there is no kind ${kind}; the kinds are ${kindNames()}`);
  return definition;
}

const variablesOf = (name: string, definition: ConnectorDefinition | undefined) =>
  Object.keys(definition?.settings.shape ?? { url: true }).map((setting) => ({
    setting,
    variable: settingVariable(name, setting),
  }));

/** Every environment variable that is read for a connector, whether it holds a value or names a file. */
export const variablesNamedAfter = ({ name, kind }: Declared): readonly string[] =>
  [...variablesOf(name, findDefinition(kind)).map(({ variable }) => variable), targetVariable(name)].flatMap(
    (variable) => [variable, `${variable}_FILE`],
  );

/**
 * Returns the settings of a connector by name. Those that are not set and may be absent are left out.
 *
 * @throws Error of one line, without any value, if one is missing or misspelt
 */
export function connectorSettings(declared: Declared, env: Environment): Readonly<Record<string, string>> {
  const { name } = declared;
  const definition = definitionOf(declared);
  const wanted = variablesOf(name, definition).filter(
    ({ setting, variable }) => isSet(variable, env) || !isOptional(definition, setting),
  );
  refuseMisspelt(name, definition, env);
  return Object.fromEntries(
    wanted.map(({ setting, variable }) => [setting, readSetting(`connector ${name}`, variable, env)]),
  );
}

/** A misspelt setting is a problem, not a default. `…_URL` may be the address of another connector with a longer name. */
function refuseMisspelt(name: string, definition: ConnectorDefinition, env: Environment): void {
  const known = variablesOf(name, definition).map(({ variable }) => variable);
  const prefix = settingVariable(name, '');
  const misspelt = Object.keys(env).find(
    (variable) =>
      variable.startsWith(prefix) &&
      !known.includes(variable.replace(/_FILE$/, '')) &&
      !/_URL(?:_FILE)?$/.test(variable),
  );
  if (misspelt !== undefined)
    throw new Error(
      `connector ${name}: ${misspelt} is not a setting of ${definition.kind}; it has ${known.join(', ')}`,
    );
}

/** Asks an object with the setting as a member: one that may be left out need not take `undefined` as a value. */
function isOptional({ settings }: ConnectorDefinition, setting: string): boolean {
  const schema = settings.shape[setting];
  return schema !== undefined && z.object({ setting: schema }).safeParse({}).success;
}

export type { Expected, TargetCheck } from './target-check';
