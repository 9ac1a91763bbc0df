import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { identifier } from '../../contracts/request';
import type { LoadedBundle } from '../../policy';
import type { Context } from '../context';
import { UserError, usageError } from '../output';

export interface ServerOptions {
  readonly server?: string;
  readonly bundle?: string;
  readonly envFile?: string;
}

/** Returns the name under which the catalog maps the server's tools. One that is only observed needs none yet. */
export function serverNameOf(
  { server, observe }: ServerOptions & { readonly observe?: true },
  { context }: LoadedBundle,
): string {
  const known = [...context.catalog.tools().keys()];
  if (observe === true && server !== undefined && identifier.safeParse(server).success) return server;
  const [only, ...others] = known;
  if (server === undefined && only !== undefined && others.length === 0) return only;
  if (server !== undefined && known.includes(server)) return server;
  const which = known.length === 0 ? 'none' : known.join(', ');
  throw usageError(
    `--server: name the server whose tools the catalog maps under "tools" (it has ${which}), so that this gate knows what a call is`,
  );
}

/** Variables that belong to the gate. The server behind it gets none of them. */
const OWN = /^(COUNTERSIGN|TEMPORAL)_/;

/** Returns the environment of the server: that of the gate without its own settings, and with the server's credentials. */
export function serverEnvironment(
  { envFile }: ServerOptions,
  environment: Context['sources']['environment'],
): Record<string, string> {
  const given = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || OWN.test(name) ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(given), ...(envFile === undefined ? {} : readEnvFile(envFile)) };
}

/** Reads a file of credentials. @throws UserError if it cannot be read */
export function readEnvFile(file: string): Record<string, string> {
  try {
    const read = Object.entries(parseEnv(readFileSync(file, 'utf8')));
    return Object.fromEntries(read.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  } catch {
    throw new UserError(`${file}: cannot be read; a file of credentials has one NAME=VALUE on each line`);
  }
}
