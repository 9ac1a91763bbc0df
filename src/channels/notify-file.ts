import { z } from 'zod';
import { durationUpTo } from '../contracts/duration';
import { identifier, principalId, text } from '../contracts/request';
import { isPrivateOnTheWay } from '../outbound/inner-address';

/** One mailbox, without name, comment or list. None of the allowed characters can end a header line. */
const mailbox = z
  .string()
  .max(254)
  .regex(
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}$/,
    'is not a mail address such as mira@example.com',
  );

const senderName = z
  .string()
  .max(60)
  .regex(/^[\p{L}\p{N} .-]*$/u, 'may have letters, digits, spaces, dots and hyphens');

/** Whom to mention in a chat: one person. Names that notify everybody are refused. */
const mention = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is not a person's name or member id in the chat")
  .refine(
    (name) => !['here', 'channel', 'all', 'everyone', 'group'].includes(name.toLowerCase()),
    'would notify everybody; name one person',
  );

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[?::1\]?)$/;

const emailChannel = z
  .strictObject({
    kind: z.literal('email'),
    host: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'is not a host name'),
    port: z.number().int().min(1).max(65_535).default(587),
    security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
    from: mailbox,
    fromName: senderName.default('Countersign'),
    user: text(254).exactOptional(),
    passwordFile: z.string().min(1).exactOptional(),
    caFile: z.string().min(1).exactOptional(),
  })
  .refine(({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined), {
    path: ['user'],
    message: 'and "passwordFile" belong together; name both or neither',
  })
  .refine(({ security, host }) => security !== 'none' || LOOPBACK_HOST.test(host), {
    path: ['security'],
    message: 'may be none only for a mail server on this machine; take starttls or tls',
  })
  .refine(({ security, user }) => security !== 'none' || user === undefined, {
    path: ['user'],
    message: 'has a password, which is not sent without encryption; take starttls or tls',
  });

const webAddress = z
  .url()
  .max(2_000)
  .refine((url) => /^https?:\/\//.test(url), 'must be an http or https address')
  .refine(
    (url) => !/^https?:\/\/[^/]*@/.test(url) && !url.includes('#'),
    'must have no user and no fragment',
  );

const needsHttps = {
  path: ['url'],
  message: 'must be https; plain http is for inner addresses, with allowInternal: true',
};

const webhookChannel = z
  .strictObject({
    kind: z.literal('webhook'),
    url: webAddress,
    secretFile: z.string().min(1),
    allowInternal: z.boolean().default(false),
  })
  .refine(({ url, allowInternal }) => url.startsWith('https://') || allowInternal, needsHttps);

const chatChannel = z.strictObject({
  kind: z.literal('chat'),
  style: z.enum(['slack', 'mattermost']),
  /** The host of the secret address. */
  host: z.string().regex(/^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$/, 'is not a host name'),
  urlFile: z.string().min(1),
  allowInternal: z.boolean().default(false),
});

/** A workflow of Teams that posts the cards which it gets. */
const teamsChannel = chatChannel.omit({ style: true }).extend({ kind: z.literal('teams') });

const slackChannel = z.strictObject({
  kind: z.literal('slack'),
  /** The bot token of the app. */
  tokenFile: z.string().min(1),
  apiUrl: webAddress
    .refine(isPrivateOnTheWay, 'must be https: it gets the token')
    .default('https://slack.com/api'),
});

const mattermostChannel = z.strictObject({
  kind: z.literal('mattermost'),
  /** The address of the server. */
  url: webAddress
    .refine(isPrivateOnTheWay, 'must be https: it gets the token')
    .transform((url) => url.replace(/\/+$/, '')),
  /** The token of the bot. */
  tokenFile: z.string().min(1),
  /** Where presses of buttons go: a gateway with the section `mattermost`, which knows the same secret. */
  choices: z
    .strictObject({
      gateway: webAddress
        .refine(isPrivateOnTheWay, 'must be https: what a button carries goes there')
        .transform((url) => url.replace(/\/+$/, '')),
      secretFile: z.string().min(1),
    })
    .exactOptional(),
});

const pushChannel = z.strictObject({
  kind: z.literal('push'),
  /** Private key that push services know us by (VAPID): `countersign notify push-key`. */
  keyFile: z.string().min(1),
  /** How the operators of a push service reach you. */
  contact: z
    .string()
    .max(254)
    .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'is not mailto:ADDRESS or an https address'),
  allowInternal: z.boolean().default(false),
});

const routeSchema = z.strictObject({
  channel: identifier,
  address: mailbox.exactOptional(),
  mention: mention.exactOptional(),
});

const pageTemplate = webAddress.refine(
  // Browsers sign on this machine without TLS too, so a stack that somebody tries here can have links.
  (url) => /^(https:\/\/|http:\/\/localhost[:/])/.test(url) && url.includes('{id}'),
  'must be an https address, or one of http://localhost, with {id} in it',
);

const DAY_MS = 86_400_000;

/** `notify.yaml`: the channels, who is notified by which, and how often at most. */
export const notifySchema = z.strictObject({
  links: z.strictObject({ request: pageTemplate }).exactOptional(),
  channels: z.record(
    identifier,
    z.discriminatedUnion('kind', [
      emailChannel,
      webhookChannel,
      chatChannel,
      teamsChannel,
      slackChannel,
      mattermostChannel,
      pushChannel,
    ]),
  ),
  people: z.record(principalId, z.array(routeSchema).min(1).max(5)),
  pace: z
    .strictObject({
      /** Notices for one person within this time become one message. */
      digestWithin: durationUpTo(DAY_MS).default(60_000),
      perPersonAndHour: z.number().int().min(1).max(60).default(6),
      perHour: z.number().int().min(1).max(10_000).default(500),
      nearExpiry: durationUpTo(DAY_MS).default(30 * 60_000),
      nearEnd: durationUpTo(DAY_MS).default(15 * 60_000),
      giveUpAfter: durationUpTo(7 * DAY_MS).default(DAY_MS),
    })
    .prefault({}),
});
export type NotifyConfig = z.output<typeof notifySchema>;
export type ChannelConfig = NotifyConfig['channels'][string];
export type Pace = NotifyConfig['pace'];
