import { readFileSync } from 'node:fs';
import { EXECUTION_KIND } from '../contracts/names';
import type { Connector } from './contract';
import { ExecutionTokenConnector } from './execution-token/connector';
import { PostgresqlConnector } from './postgresql/connector';

type Environment = Readonly<Record<string, string | undefined>>;
type Declarations = readonly { readonly name: string; readonly kind: string }[];

/** How each kind of connector is made. A new kind is a folder here and a row in this table. */
const KINDS: Readonly<Record<string, (name: string, url: string) => Connector>> = {
  postgresql: (name, url) => new PostgresqlConnector({ name, url }),
  [EXECUTION_KIND]: (name, url) => new ExecutionTokenConnector({ name, url }),
};

const LEDGER_VARIABLE = 'COUNTERSIGN_LEDGER_URL';

/** The environment variable that holds a connector's address. */
export const addressVariable = (name: string): string =>
  `COUNTERSIGN_CONNECTOR_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`;

/**
 * Makes the connectors that the catalog declares. Addresses come from the environment, or from the file that
 * `…_URL_FILE` names.
 *
 * @throws Error of one line, without the address, where a kind is unknown or an address is missing
 */
export function createConnectors(
  declarations: Declarations,
  env: Environment,
): ReadonlyMap<string, Connector> {
  return new Map(
    declarations.map(({ name, kind }) => [name, makerOf(name, kind)(name, addressOf(name, env))]),
  );
}

/**
 * Where the ledger lies: `COUNTERSIGN_LEDGER_URL`, or the file that `COUNTERSIGN_LEDGER_URL_FILE` names, or else beside
 * the leases of the only PostgreSQL target. Among several none is chosen: the order of a catalog says nothing, and a ledger
 * somewhere else has forgotten every denial, debt and open grant.
 *
 * @throws Error of one line, without the address, where there is none of these
 */
export function ledgerAddress(declarations: Declarations, env: Environment): string {
  if (env[LEDGER_VARIABLE] || env[`${LEDGER_VARIABLE}_FILE`])
    return readAddress('ledger', LEDGER_VARIABLE, env);
  const [only, ...others] = declarations.filter(({ kind }) => kind === 'postgresql');
  if (only === undefined) throw new Error(`ledger: set ${LEDGER_VARIABLE} to a PostgreSQL database`);
  if (others.length > 0)
    throw new Error(
      `ledger: ${[only, ...others].map(({ name }) => name).join(' and ')} are PostgreSQL, and one of them may hold it already; set ${LEDGER_VARIABLE} to the database where it is`,
    );
  return addressOf(only.name, env);
}

/** What keeps connectors and ledger from being reached, as far as the settings can tell; each in one line. */
export function addressProblems(declarations: Declarations, env: Environment): readonly string[] {
  const reasonsOf = (look: () => unknown): readonly string[] => {
    try {
      look();
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  };
  const found = declarations.flatMap(({ name, kind }) =>
    reasonsOf(() => makerOf(name, kind) && addressOf(name, env)),
  );
  return [...new Set([...found, ...reasonsOf(() => ledgerAddress(declarations, env))])];
}

/** Whether the settings say where any connector is: a worker is told of all of them, a client of none. */
export const hasAnyAddress = (declarations: Declarations, env: Environment): boolean =>
  declarations
    .map(({ name }) => addressVariable(name))
    .some((variable) => env[variable] !== undefined || env[`${variable}_FILE`] !== undefined);

function makerOf(name: string, kind: string): (name: string, url: string) => Connector {
  const make = KINDS[kind];
  if (make === undefined)
    throw new Error(`connector ${name}: no kind ${kind}; there are ${Object.keys(KINDS).join(', ')}`);
  return make;
}

/** The address of a connector. */
export const addressOf = (name: string, env: Environment): string =>
  readAddress(`connector ${name}`, addressVariable(name), env);

function readAddress(what: string, variable: string, env: Environment): string {
  const file = env[`${variable}_FILE`];
  if (file !== undefined) {
    const read = readSecret(what, variable, file);
    if (read === '') throw new Error(`${what}: the file that ${variable}_FILE names is empty`);
    return read;
  }
  const address = env[variable];
  if (!address) throw new Error(`${what}: set ${variable}, or ${variable}_FILE to a file that holds it`);
  return address;
}

function readSecret(what: string, variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`${what}: cannot read the file that ${variable}_FILE names`);
  }
}
