import { existsSync } from 'node:fs';
import path from 'node:path';
import { isPrincipalId, type PrincipalId } from '../domain/principal';
import { readKeyFile, type SigningKey } from '../signing/keys';
import { UserError, usageError } from './output';

/** Where `up` keeps the key that it made for a principal of the example bundle. */
export const embeddedKeyFile = (stateDir: string, principal: PrincipalId): string =>
  path.join(stateDir, 'keys', `${principal.replace('/', '-')}.jwk`);

/** The key to sign with: the file given, or the one that `up` made for this principal. */
export async function findSigningKey(
  principal: string,
  keyFile: string | undefined,
  stateDir: string,
): Promise<SigningKey> {
  if (!isPrincipalId(principal))
    throw usageError(`${JSON.stringify(principal)} is not a principal id such as person/mira or agent/atlas`);
  const file = keyFile ?? embeddedKeyFile(stateDir, principal);
  if (keyFile === undefined && !existsSync(file))
    throw usageError(`no key for ${principal}: give --key FILE (there is none at ${file})`);
  const result = await readKeyFile(file);
  if (!result.ok) throw new UserError(result.message, 1, 'BAD_KEY');
  return result.key;
}
