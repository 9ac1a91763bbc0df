import { z } from 'zod';
import { identifier, requestId } from './request';

/* What the messages that we send to Slack and the gateway that takes answers to them have in common. */

/** Names of the two buttons, and of the field for a reason. */
export const SLACK_ACTIONS = {
  approve: 'countersign_approve',
  deny: 'countersign_deny',
  why: 'countersign_why',
} as const;

/** Ids of the blocks with the field and the buttons of one request. Slack has room for 255 characters. */
export const slackBlocks = (request: string) => ({ why: `${request}:why`, buttons: `${request}:buttons` });

/** What a button says: the request, the path and the stage as the message showed them. */
export const slackShownSchema = z.strictObject({
  request: requestId,
  digest: z.string().regex(/^sha-256:[\w-]{43}$/),
  revision: z.int().min(0).max(1_000),
  stage: identifier,
});
export type SlackShown = z.output<typeof slackShownSchema>;
