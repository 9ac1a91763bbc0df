import { ATTESTER_ROLE, type ChannelName, hasAnyRole, type PrincipalId } from '../domain/principal';
import type { BundleSource, LoadedBundle } from '../policy';
import { readKeyFile, type SigningKey } from '../signing/keys';

/**
 * Returns the key with which a gateway attests what people choose in a channel.
 *
 * @throws Error (one line) if it cannot be read, or the directory does not let it attest for this channel
 */
export async function attesterKey(
  channel: ChannelName,
  { attester, keyFile }: { readonly attester: PrincipalId; readonly keyFile: string },
  bundles: BundleSource<LoadedBundle>,
  nowMs: number,
): Promise<SigningKey> {
  const key = await readKeyFile(keyFile);
  const { directory } = (await bundles.current()).context;
  const registered = directory.keyById(key.keyId, nowMs);
  const standing = directory.standingOf(attester, nowMs);
  const may =
    registered?.principal === attester &&
    registered.channel === channel &&
    standing?.active === true &&
    hasAnyRole(standing, [ATTESTER_ROLE]);
  if (!may)
    throw new Error(
      `${channel}: the key is not registered to ${attester} with "channel: ${channel}" and the role ${ATTESTER_ROLE}; put its public part into the directory`,
    );
  return key;
}

/** Returns a function that returns whose account in a channel this is, by today's directory. */
export const holderIn =
  (channel: ChannelName, bundles: BundleSource<LoadedBundle>) =>
  async (account: string): Promise<PrincipalId | undefined> => {
    const { principals, context } = await bundles.current();
    return principals.find((id) => context.directory.identity(id)?.accounts[channel] === account);
  };
