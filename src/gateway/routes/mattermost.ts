import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readJsonText } from '../http/body';
import type { Add } from './adder';

const PRESS_BYTES = 64 * 1024;

/** Adds the address to which Mattermost sends which button a member pressed. */
export function addMattermost(add: Add, { mattermost }: Gateway): void {
  if (mattermost === undefined) return;
  add(
    'post',
    '/v1/mattermost/actions',
    {
      limit: 'anyone',
      summary: 'Presses of buttons in Mattermost, recognised by what the button carries',
      body: z.looseObject({ user_id: z.string() }),
      response: z.object({
        outcome: z.enum(['accepted', 'refused', 'ignored']),
        code: z.string().optional(),
        ephemeral_text: z.string(),
      }),
    },
    async (c) => c.json(await mattermost.receive(await readJsonText(c, PRESS_BYTES))),
  );
}
