import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CONNECTOR_DEFINITIONS } from '../../connectors';
import type { HolderEnvironment } from '../../connectors/definition';
import { targetVariable } from '../../connectors/settings';
import type { Environment } from '../../contracts/settings';
import { type AccessRequest, entitlementName } from '../../domain/request';
import { UserError } from '../output';

/** Kinds of targets that a command can reach with the access it runs with. */
const REACHABLE = CONNECTOR_DEFINITIONS.flatMap(({ environment }) => environment ?? []);

/** Where the holder of a grant reaches a target, and how that kind of target is reached. */
export interface HolderTarget {
  readonly address: URL;
  readonly environment: HolderEnvironment;
}

/**
 * Reads where the holder of a grant reaches a target. This is not the address that its connector uses, which may do
 * everything there. The kind is told by the address, because the caller of a gateway has no catalog.
 */
export function holderTargetOf(connector: string, env: Environment): HolderTarget | undefined {
  const variable = targetVariable(connector);
  const text = (env[variable] ?? readAddressFile(`${variable}_FILE`, env))?.trim();
  if (text === undefined) return undefined;
  const address = URL.canParse(text) ? new URL(text) : undefined;
  const environment = address && REACHABLE.find(({ accepts }) => accepts(address));
  if (address !== undefined && environment !== undefined) return { address, environment };
  const examples = REACHABLE.map(({ example }) => example).join(' or ');
  throw new UserError(`${variable} is not an address such as ${examples}`, 2);
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

/** Our own settings. The command has no business with them. */
const OURS = /^(?:COUNTERSIGN|TEMPORAL)_/;

/**
 * The environment of a command that holds a grant: the caller's without our settings, with the grant and, if the target's
 * address is known, what leads the command there. None of it is ever on a command line.
 */
export function environmentOf(
  request: Pick<AccessRequest, 'id' | 'entitlement'>,
  lease: { readonly account: string; readonly expiresAtMs: number },
  target: HolderTarget | undefined,
  env: Environment,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !OURS.test(name) && !target?.environment.replaces.includes(name))
      kept[name] = value;
  return {
    ...kept,
    GRANT_REQUEST: request.id,
    GRANT_ENTITLEMENT: entitlementName(request.entitlement),
    GRANT_ACCOUNT: lease.account,
    GRANT_EXPIRES_AT: new Date(lease.expiresAtMs).toISOString(),
    ...(target && variablesOf(target, lease.account)),
  };
}

/** A command's environment, with what belongs to it on disk. */
export interface PreparedEnvironment {
  readonly env: Record<string, string>;
  /** Deletes what belongs to it. */
  clear(): void;
}

/**
 * The environment of a command, with what its kind of target hands out, such as a certificate. That lies in a folder which
 * only this user can read, until `clear`.
 *
 * @throws UserError if it cannot be had
 */
export async function preparedEnvironment(
  env: Record<string, string>,
  account: string,
  target: HolderTarget | undefined,
  certificate: (publicKey: string) => Promise<string>,
): Promise<PreparedEnvironment> {
  const prepare = target?.environment.prepare;
  if (target === undefined || prepare === undefined) return { env, clear: () => undefined };
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-run-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  try {
    const more = await prepare({ address: target.address, account, folder, certificate });
    return { env: { ...env, ...more }, clear };
  } catch (error) {
    clear();
    throw new UserError(error instanceof Error ? error.message : 'the command cannot be given its access');
  }
}

function variablesOf({ address, environment }: HolderTarget, account: string) {
  try {
    return environment.variables(address, account);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the address of the target cannot be used');
  }
}
