import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { boundedJson } from '../../outbound/answer';
import type { MattermostConfig } from './config';

const ANSWER_WITHIN_MS = 2_000;
const ANSWER_BYTES = 256 * 1024;

const memberSchema = z.object({
  id: z.string(),
  delete_at: z.int(),
  roles: z.string(),
  is_bot: z.boolean().default(false),
  /** Of an account that lives on another server, and comes here by a shared channel. */
  remote_id: z.string().nullish(),
});

/** The one call of Mattermost's API that a gateway makes. */
export class MattermostApi {
  constructor(private readonly config: Pick<MattermostConfig, 'url' | 'tokenFile'>) {}

  /** Returns true if an account is a full member now, false if it is not, undefined if Mattermost does not say. */
  async isMember(account: string): Promise<boolean | undefined> {
    try {
      const response = await fetch(`${this.config.url}/api/v4/users/${account}`, {
        // Read anew each time, so that the token can be replaced.
        headers: { authorization: `Bearer ${readFileSync(this.config.tokenFile, 'utf8').trim()}` },
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      if (!response.ok) return undefined;
      const read = memberSchema.safeParse(await boundedJson(response, ANSWER_BYTES));
      if (!read.success || read.data.id !== account) return undefined;
      const { delete_at: deletedAtMs, roles, is_bot: isBot, remote_id: remote } = read.data;
      return deletedAtMs === 0 && !isBot && !remote && roles.split(' ').includes('system_user');
    } catch {
      return undefined;
    }
  }
}
