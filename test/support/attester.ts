import { registerKey } from '../../src/directory/register-key';
import { generateKey } from '../../src/signing/keys';
import type { Harness } from './harness';

/** Adds an attester of one channel to the directory of a harness. Returns its secret key. */
export async function registerAttester({ bundle }: Harness, channel: string): Promise<string> {
  const { publicJwk, privateJwkText } = await generateKey();
  const attester = `service/${channel}`;
  const said = { title: 'Takes choices', owner: 'person/david', sponsor: 'person/oskar' };
  bundle.set('directory.yaml', ['identities', attester], { ...said, roles: ['channel-attester'] });
  bundle.change('directory.yaml', (text) =>
    registerKey(text, attester, publicJwk, { assurance: 'key', channel }),
  );
  return privateJwkText;
}

/** Lets the owner's stage of the example be decided in Slack, where Mira has an account. */
export const allowSlack = (harness: Harness): void => allowChannel(harness, 'slack', 'T0ACME/U0MIRA');

/** Lets the owner's stage of the example be decided in a channel, where Mira has this account. */
export function allowChannel({ bundle }: Harness, channel: string, account: string): void {
  const stage = ['paths', 'production-write', 'stages', 0];
  bundle.set('directory.yaml', ['people', 'person/mira', 'accounts', channel], account);
  bundle.set('paths.yaml', [...stage, 'assurance'], 'channel');
  bundle.set('paths.yaml', [...stage, 'channels'], [channel]);
}
