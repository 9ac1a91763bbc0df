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
export function allowSlack({ bundle }: Harness): void {
  const stage = ['paths', 'production-write', 'stages', 0];
  bundle.set('directory.yaml', ['people', 'person/mira', 'accounts', 'slack'], 'T0ACME/U0MIRA');
  bundle.set('paths.yaml', [...stage, 'assurance'], 'channel');
  bundle.set('paths.yaml', [...stage, 'channels'], ['slack']);
}
