import { readFileSync } from 'node:fs';
import type { Environment } from '../../contracts/settings';
import { type AccessRequest, entitlementName } from '../../domain/request';
import { UserError } from '../output';

/** Where the holder of a grant reaches a target. Not the address that its connector uses, which may do everything there. */
export function targetUrlOf(connector: string, env: Environment): URL | undefined {
  const variable = `COUNTERSIGN_TARGET_${connector.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`;
  const text = env[variable] ?? readAddressFile(`${variable}_FILE`, env);
  if (text === undefined) return undefined;
  try {
    const url = new URL(text.trim());
    if (!/^postgres(?:ql)?:$/.test(url.protocol)) throw new Error('not PostgreSQL');
    return url;
  } catch {
    throw new UserError(`${variable} is not an address such as postgresql://host:5432/database`, 2);
  }
}

function readAddressFile(variable: string, env: Environment): string | undefined {
  const file = env[variable];
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UserError(`cannot read the file that ${variable} names: ${file}`, 2);
  }
}

/** Of the caller's own: what would lead a PostgreSQL client elsewhere, and what is none of the command's business. */
const NOT_PASSED_ON =
  /^(?:COUNTERSIGN_.*|TEMPORAL_.*|PGHOST|PGHOSTADDR|PGPORT|PGDATABASE|PGUSER|PGPASSWORD|PGSERVICE|PGSERVICEFILE|DATABASE_URL)$/;

/**
 * The environment of a command that holds a grant: the caller's without our settings, with the grant and, for a PostgreSQL
 * target, the settings that libpq and its kin read. Nothing of it is ever on a command line.
 */
export function environmentOf(
  request: Pick<AccessRequest, 'id' | 'entitlement'>,
  lease: { readonly account: string; readonly expiresAtMs: number },
  target: URL | undefined,
  env: Environment,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (
      value !== undefined &&
      !(NOT_PASSED_ON.test(name) && (target !== undefined || !/^PG|^DATABASE/.test(name)))
    )
      kept[name] = value;
  return {
    ...kept,
    GRANT_REQUEST: request.id,
    GRANT_ENTITLEMENT: entitlementName(request.entitlement),
    GRANT_ACCOUNT: lease.account,
    GRANT_EXPIRES_AT: new Date(lease.expiresAtMs).toISOString(),
    ...(target && postgresqlEnvironment(target, lease.account)),
  };
}

function postgresqlEnvironment(target: URL, account: string): Record<string, string> {
  const username = decodeURIComponent(target.username);
  if (username !== '' && username !== account)
    throw new UserError(
      `the target's address is for the account ${username}; access was given to ${account}`,
    );
  const url = new URL(target);
  url.username = encodeURIComponent(account);
  const password = decodeURIComponent(target.password);
  const sslMode = target.searchParams.get('sslmode');
  const host = target.hostname.replace(/^\[|\]$/g, '') || target.searchParams.get('host');
  return {
    ...(host && { PGHOST: host }),
    ...(target.port && { PGPORT: target.port }),
    PGDATABASE: decodeURIComponent(target.pathname.slice(1)) || 'postgres',
    PGUSER: account,
    ...(password && { PGPASSWORD: password }),
    ...(sslMode && { PGSSLMODE: sslMode }),
    DATABASE_URL: url.href,
  };
}
