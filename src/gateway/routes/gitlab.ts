import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readJsonText } from '../http/body';
import type { Add } from './adder';

/** A message holds the project and the whole description of the merge request, of which GitLab takes a million characters. */
const MESSAGE_BYTES = 4 * 1024 * 1024;

/** Adds the addresses to which GitLab sends the messages of external status checks. */
export function addGitlab(add: Add, { gitlab }: Gateway): void {
  if (gitlab === undefined) return;
  add(
    'post',
    '/v1/gitlab/status-checks/:check',
    {
      limit: 'anyone',
      summary: 'Messages of external status checks of GitLab, recognised by their signature',
      body: z.looseObject({ object_kind: z.string() }),
      response: z.object({
        outcome: z.enum(['asked', 'known', 'ignored']),
        request: z.string().optional(),
      }),
    },
    async (c) =>
      c.json(
        await gitlab.checks.receive({
          check: c.req.param('check') ?? '',
          signature: c.req.header('x-gitlab-signature'),
          body: await readJsonText(c, MESSAGE_BYTES),
        }),
      ),
  );
}
