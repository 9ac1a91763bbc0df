import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { boundedJson } from '../../outbound/answer';
import type { SlackConfig } from './config';

const ANSWER_WITHIN_MS = 2_000;
const ANSWER_BYTES = 256 * 1024;

const memberSchema = z.object({
  ok: z.literal(true),
  user: z.object({
    id: z.string(),
    team_id: z.string(),
    deleted: z.boolean().default(false),
    is_bot: z.boolean().default(false),
    is_restricted: z.boolean().default(false),
    is_ultra_restricted: z.boolean().default(false),
    is_stranger: z.boolean().default(false),
  }),
});
export type Member = z.output<typeof memberSchema>['user'];

/** The two calls of Slack's Web API that a gateway makes. */
export class SlackApi {
  constructor(private readonly config: Pick<SlackConfig, 'apiUrl' | 'tokenFile'>) {}

  /** Returns a member of the workspace, or undefined if Slack does not say who it is. */
  async member(account: string): Promise<Member | undefined> {
    const answer = await this.#call('users.info', { user: account });
    const read = memberSchema.safeParse(answer);
    return read.success && read.data.user.id === account ? read.data.user : undefined;
  }

  /** Tells one member something in a conversation that they are in. What cannot be said is left out: nothing rests on it. */
  async tell(channel: string, user: string, text: string): Promise<void> {
    await this.#call('chat.postEphemeral', { channel, user, text });
  }

  async #call(method: string, members: Readonly<Record<string, string>>): Promise<unknown> {
    try {
      const response = await fetch(`${this.config.apiUrl}/${method}`, {
        method: 'POST',
        // Read anew each time, so that the token can be replaced.
        headers: { authorization: `Bearer ${readFileSync(this.config.tokenFile, 'utf8').trim()}` },
        body: new URLSearchParams(members),
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      return response.ok ? await boundedJson(response, ANSWER_BYTES) : undefined;
    } catch {
      return undefined;
    }
  }
}
