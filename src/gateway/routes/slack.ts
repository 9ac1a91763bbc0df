import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readFormText } from '../http/body';
import type { Add } from './adder';

/** A message holds the whole message whose button was pressed. */
const INTERACTION_BYTES = 256 * 1024;

/** Adds the address to which Slack sends which button a member pressed. */
export function addSlack(add: Add, { slack }: Gateway): void {
  if (slack === undefined) return;
  add(
    'post',
    '/v1/slack/interactions',
    {
      limit: 'anyone',
      summary: 'Interactions of the Slack app, recognised by their signature',
      response: z.object({
        outcome: z.enum(['accepted', 'refused', 'ignored']),
        code: z.string().optional(),
      }),
    },
    async (c) =>
      c.json(
        await slack.receive({
          timestamp: c.req.header('x-slack-request-timestamp'),
          signature: c.req.header('x-slack-signature'),
          body: await readFormText(c, INTERACTION_BYTES),
        }),
      ),
  );
}
