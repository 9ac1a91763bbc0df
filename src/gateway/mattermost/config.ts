import { z } from 'zod';
import { principalId } from '../../contracts/request';
import { webAddress } from '../web-address';

/** How the gateway takes what people choose in Mattermost, where a stage names the channel. */
export const mattermostSchema = z.strictObject({
  /** What we call the server. Accounts in the directory begin with it, so those of another server are nobody's. */
  workspace: z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/, 'may have letters, digits, _ and -'),
  url: webAddress.transform((url) => url.replace(/\/+$/, '')),
  /** The bot's token, by which accounts are looked up. */
  tokenFile: z.string().min(1),
  /** The secret by which buttons of our messages are recognised. `notify.yaml` names the same. */
  secretFile: z.string().min(1),
  /** The identity that attests, with the role channel-attester, and its key: one registered with `channel: mattermost`. */
  attester: principalId.refine(
    (id) => !id.startsWith('person/'),
    'is a person; a gateway attests as an identity',
  ),
  keyFile: z.string().min(1),
});
export type MattermostConfig = z.output<typeof mattermostSchema>;
