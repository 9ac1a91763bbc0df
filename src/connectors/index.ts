import { readFileSync } from 'node:fs';
import type { Connector } from './contract';
import { ExecutionTokenConnector } from './execution-token/connector';
import { PostgresqlConnector } from './postgresql/connector';

type Environment = Readonly<Record<string, string | undefined>>;

/** Kind of the connectors that let exact actions through. */
export const EXECUTION_KIND = 'execution-token';

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
  declarations: readonly { readonly name: string; readonly kind: string }[],
  env: Environment,
): ReadonlyMap<string, Connector> {
  return new Map(
    declarations.map(({ name, kind }) => {
      const make = KINDS[kind];
      if (make === undefined)
        throw new Error(`connector ${name}: no kind ${kind}; there are ${Object.keys(KINDS).join(', ')}`);
      return [name, make(name, addressOf(name, env))];
    }),
  );
}

/**
 * Where the ledger lies: `COUNTERSIGN_LEDGER_URL`, or the file that `COUNTERSIGN_LEDGER_URL_FILE` names, or else beside
 * the leases of the first PostgreSQL target.
 *
 * @throws Error of one line, without the address, where there is neither
 */
export function ledgerAddress(
  declarations: readonly { readonly name: string; readonly kind: string }[],
  env: Environment,
): string {
  if (env[LEDGER_VARIABLE] || env[`${LEDGER_VARIABLE}_FILE`])
    return readAddress('ledger', LEDGER_VARIABLE, env);
  const first = declarations.find(({ kind }) => kind === 'postgresql');
  if (first === undefined) throw new Error(`ledger: set ${LEDGER_VARIABLE} to a PostgreSQL database`);
  return addressOf(first.name, env);
}

/** The address of a connector. */
export const addressOf = (name: string, env: Environment): string =>
  readAddress(`connector ${name}`, addressVariable(name), env);

function readAddress(what: string, variable: string, env: Environment): string {
  const file = env[`${variable}_FILE`];
  if (file !== undefined) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      throw new Error(`${what}: cannot read the file that ${variable}_FILE names`);
    }
  }
  const address = env[variable];
  if (!address) throw new Error(`${what}: set ${variable}, or ${variable}_FILE to a file that holds it`);
  return address;
}
