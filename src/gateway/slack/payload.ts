import { z } from 'zod';
import { type SlackShown, slackShownSchema } from '../../contracts/slack';

const id = z.string().max(64);

/** The members of a `block_actions` message that are used. Slack adds others at any time. */
export const interactionSchema = z.object({
  type: z.literal('block_actions'),
  team: z.object({ id }),
  user: z.object({ id, team_id: id.optional() }),
  container: z.object({ type: z.literal('message'), message_ts: id, channel_id: id }),
  actions: z
    .array(
      z.object({
        type: z.literal('button'),
        action_id: z.string().max(255),
        block_id: z.string().max(255),
        value: z.string().max(2_000).optional(),
      }),
    )
    .length(1),
  state: z
    .object({
      values: z.record(
        z.string().max(255),
        z.record(z.string().max(255), z.object({ value: z.string().max(3_000).nullish() })),
      ),
    })
    .optional(),
});
export type Interaction = z.output<typeof interactionSchema>;

/** Returns undefined for a button that is not one of ours. */
export function shownBy(value: string | undefined): SlackShown | undefined {
  try {
    return slackShownSchema.safeParse(JSON.parse(value ?? '')).data;
  } catch {
    return undefined;
  }
}

/** Returns undefined if the form of an interaction holds no message that is used here. */
export function interactionIn(body: string): Interaction | undefined {
  const payloads = new URLSearchParams(body).getAll('payload');
  try {
    return payloads.length === 1
      ? interactionSchema.safeParse(JSON.parse(payloads[0] ?? '')).data
      : undefined;
  } catch {
    return undefined;
  }
}
