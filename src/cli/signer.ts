import { existsSync } from 'node:fs';
import path from 'node:path';
import { isPrincipalId, type PrincipalId } from '../domain/principal';
import { type SigningKey, tryReadKeyFile } from '../signing/keys';
import type { Context } from './context';
import { UserError, usageError } from './output';

/** Options by which a command says who acts. */
export interface SignerOptions {
  readonly as?: string;
  readonly key?: string;
}

export interface Signer {
  readonly principal: PrincipalId;
  readonly key: SigningKey;
}

/**
 * Returns who acts: the option, else COUNTERSIGN_AS, else `as` in the config file.
 *
 * @throws UserError of wrong usage if nobody is named, or what is named is not a principal id
 */
export function principalOf({ as }: SignerOptions, { settings, sources }: Context): PrincipalId {
  const principal = as ?? settings.COUNTERSIGN_AS;
  if (principal === undefined)
    throw usageError(
      `say who acts: --as, for example --as person/mira; or set COUNTERSIGN_AS, or \`as\` in ${sources.config.file}`,
    );
  if (!isPrincipalId(principal))
    throw usageError(`${JSON.stringify(principal)} is not a principal id such as person/mira or agent/atlas`);
  return principal;
}

/**
 * Finds who acts and the key to sign with.
 *
 * @throws UserError if nobody is named, or there is no key, or the key cannot be read
 */
export async function findSigner(options: SignerOptions, context: Context): Promise<Signer> {
  const principal = principalOf(options, context);
  return { principal, key: await findKey(principal, options.key, context) };
}

/** Finds the key file of a principal: the one that the option names, the configured one, or the one that `up` made. */
export function findKeyFile(principal: PrincipalId, option: string | undefined, context: Context): string {
  const file = option ?? configuredKey(principal, context);
  const embedded = embeddedKeyFile(context.settings.COUNTERSIGN_STATE_DIR, principal);
  if (file === undefined && !existsSync(embedded))
    throw usageError(`no key for ${principal}: give --key FILE (there is none at ${embedded})`);
  return file ?? embedded;
}

/** Reads the key of a principal from the file that `findKeyFile` finds. */
export async function findKey(
  principal: PrincipalId,
  option: string | undefined,
  context: Context,
): Promise<SigningKey> {
  const result = await tryReadKeyFile(findKeyFile(principal, option, context));
  if (!result.ok) throw new UserError(result.message, 1, 'BAD_KEY');
  return result.key;
}

/** A configured key belongs to the identity that is configured beside it, and to nobody else. */
function configuredKey(principal: PrincipalId, { sources }: Context): string | undefined {
  const places = [sources.environment, sources.config.settings];
  const place = places.find(
    (one) => one['COUNTERSIGN_KEY'] && [undefined, principal].includes(one['COUNTERSIGN_AS']),
  );
  return place?.['COUNTERSIGN_KEY'];
}

/** Where `up` keeps the key that it made for a principal of the example bundle. */
const embeddedKeyFile = (stateDir: string, principal: PrincipalId): string =>
  path.join(stateDir, 'keys', `${principal.replace('/', '-')}.jwk`);
