import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readJsonText } from '../http/body';
import type { Add } from './adder';

/** A delivery holds the whole repository and its pull requests. */
const DELIVERY_BYTES = 1024 * 1024;

/** Adds the webhook of the GitHub App whose deployment protection rule this gateway answers. */
export function addGithub(add: Add, { github }: Gateway): void {
  if (github === undefined) return;
  add(
    'post',
    '/v1/github/webhook',
    {
      limit: 'anyone',
      summary: 'Deliveries of the GitHub App, recognised by their signature',
      body: z.looseObject({ action: z.string() }),
      response: z.object({
        outcome: z.enum(['asked', 'known', 'ignored']),
        request: z.string().optional(),
      }),
    },
    async (c) =>
      c.json(
        await github.webhook.receive({
          event: c.req.header('x-github-event'),
          delivery: c.req.header('x-github-delivery'),
          signature: c.req.header('x-hub-signature-256'),
          body: await readJsonText(c, DELIVERY_BYTES),
        }),
      ),
  );
}
