import { readFileSync } from 'node:fs';
import type { Connector } from './contract';
import { PostgresqlConnector } from './postgresql/connector';

type Environment = Readonly<Record<string, string | undefined>>;

/** How each kind of connector is made. A new kind is a folder here and a row in this table. */
const KINDS: Readonly<Record<string, (name: string, url: string) => Connector>> = {
  postgresql: (name, url) => new PostgresqlConnector({ name, url }),
};

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

function addressOf(name: string, env: Environment): string {
  const variable = addressVariable(name);
  const file = env[`${variable}_FILE`];
  if (file !== undefined) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      throw new Error(`connector ${name}: cannot read the file that ${variable}_FILE names`);
    }
  }
  const address = env[variable];
  if (!address)
    throw new Error(`connector ${name}: set ${variable}, or ${variable}_FILE to a file that holds it`);
  return address;
}
