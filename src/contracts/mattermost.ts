import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { digestOf } from '../domain/digest';
import { identifier, requestId } from './request';

/* What the messages that we send to Mattermost and the gateway that takes answers to them have in common. */

/** How Mattermost names accounts, conversations and messages. */
export const mattermostId = z.string().regex(/^[a-z0-9]{26}$/, 'is not an id of Mattermost');

/** What a button says: the request, the path and the stage as the message showed them, for whom, and until when. */
const saidSchema = z.strictObject({
  request: requestId,
  digest: z.string().regex(/^sha-256:[\w-]{43}$/),
  revision: z.int().min(0).max(1_000),
  stage: identifier,
  /** The account that the message was written to. Nobody else's press counts. */
  account: mattermostId,
  untilMs: z.int().positive(),
});
export type MattermostSaid = z.output<typeof saidSchema>;

const contextSchema = saidSchema.extend({ mac: z.string().regex(/^[\w-]{43}$/) });

/**
 * Returns the context of a button. Mattermost signs nothing, and hands the context back with a press. So the context is what proves that a press is of
 * a message of ours: nobody without the secret makes one, or changes a member of one.
 */
export const mattermostContext = (said: MattermostSaid, secret: string): z.output<typeof contextSchema> => ({
  ...said,
  mac: macOf(said, secret).toString('base64url'),
});

/** Returns what a button said, or undefined if this context is not one that we made. */
export function saidByContext(context: unknown, secret: string): MattermostSaid | undefined {
  const read = contextSchema.safeParse(context);
  if (!read.success) return undefined;
  const { mac, ...said } = read.data;
  return timingSafeEqual(macOf(said, secret), Buffer.from(mac, 'base64url')) ? said : undefined;
}

const macOf = (said: MattermostSaid, secret: string): Buffer =>
  createHmac('sha256', secret)
    .update(`countersign-mattermost-button:${digestOf({ ...said })}`)
    .digest();
