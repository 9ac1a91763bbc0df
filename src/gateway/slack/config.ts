import { z } from 'zod';
import { principalId } from '../../contracts/request';
import { webAddress } from '../web-address';

/** How the gateway takes what people choose in Slack, where a stage names the channel. */
export const slackSchema = z.strictObject({
  /** The one workspace whose members may choose. */
  workspace: z.string().regex(/^T[A-Z0-9]{2,20}$/, 'is not the id of a workspace, such as T012AB3CD'),
  /** The app's signing secret, by which Slack's messages are recognised. */
  signingSecretFile: z.string().min(1),
  /** The app's bot token, which looks members up and tells them what became of a choice. */
  tokenFile: z.string().min(1),
  /** The identity that attests, with the role channel-attester, and its key: one registered with `channel: slack`. */
  attester: principalId.refine(
    (id) => !id.startsWith('person/'),
    'is a person; a gateway attests as an identity',
  ),
  keyFile: z.string().min(1),
  apiUrl: webAddress.default('https://slack.com/api'),
});
export type SlackConfig = z.output<typeof slackSchema>;
