import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { durationUpTo } from '../contracts/duration';
import { describeIssues } from '../contracts/problem';
import { identifier, label, line, principalId, text } from '../contracts/request';
import { githubSchema } from './github/config';
import { gitlabSchema } from './gitlab/config';
import { issuerSchema } from './issuers-config';
import { mattermostSchema } from './mattermost/config';
import { namesSchema } from './pdp/names-config';
import { slackSchema } from './slack/config';
import { webAddress } from './web-address';

/** The identity provider at which people sign in to read, and before they register a passkey (OpenID Connect). */
const signInSchema = z.strictObject({
  issuer: webAddress,
  clientId: text(512),
  /** Holds the client's secret. Without it, the client is a public one: PKCE alone binds the code to us. */
  clientSecretFile: z.string().min(1).exactOptional(),
  /** What the button on the page calls it. */
  title: label(64).default('your organisation'),
  scope: text(512)
    .refine((scopes) => scopes.split(' ').includes('openid'), 'must name openid')
    .default('openid profile'),
  /** Who somebody is: `person/` and the value of a claim that people cannot change themselves, or a table by `sub`. */
  people: z.union([
    z.strictObject({ claim: identifier }),
    z.strictObject({
      subjects: z.record(
        line(512),
        principalId.refine((id) => id.startsWith('person/'), 'is not a person'),
      ),
    }),
  ]),
});

/** The push services of Chrome and Edge on Android and elsewhere, Firefox, Edge on Windows, and Safari. */
const PUSH_SERVICES = [
  'fcm.googleapis.com',
  'push.services.mozilla.com',
  'notify.windows.com',
  'push.apple.com',
];

const rate = z.strictObject({
  perSecond: z.number().positive().max(1_000_000),
  burst: z.number().int().positive().max(1_000_000),
});

/** `gateway.yaml`. */
export const gatewayConfigSchema = z.strictObject({
  publicUrl: webAddress.transform((url) => url.replace(/\/$/, '')).exactOptional(),
  issuers: z.array(issuerSchema).max(32).default([]),
  /**
   * Serves evaluations and searches alone. Such a gateway needs the address of no connector, ledger or register, so it takes no
   * requests, and an approval shown to it does not count.
   */
  decidesOnly: z.boolean().default(false),
  /** Accepts tokens that identities in the directory sign for themselves with their registered keys. */
  registeredKeys: z.boolean().default(true),
  /** Identities that enforce decisions about others. They may ask about anyone, and the gateway believes the properties they present. */
  enforcementPoints: z.array(principalId).max(1_000).default([]),
  /** What enforcement points call subjects and resources. */
  names: namesSchema.prefault({}),
  callbacks: z
    .array(
      z.strictObject({
        /** Matches this address and every address below its path. */
        prefix: webAddress,
        principals: z.array(principalId).min(1),
        secretFile: z.string().min(1),
        allowInternal: z.boolean().default(false),
      }),
    )
    .max(256)
    .default([]),
  dpop: z
    .strictObject({
      /**
       * Takes only proofs with a nonce of this very process, so that a proof shown here is worth nothing at another replica. Calls
       * of one client must then reach the same replica.
       */
      nonces: z.boolean().default(false),
    })
    .prefault({}),
  /** Serves MCP to AI agents at /mcp. */
  mcp: z
    .strictObject({
      /** Origins of pages that may call it from a browser, besides the gateway's own. */
      allowedOrigins: z
        .array(webAddress.transform((url) => new URL(url).origin))
        .max(64)
        .default([]),
      /** Addresses of the executors that carry out approved actions, by the audience of their tokens. */
      executors: z
        .array(z.strictObject({ audience: principalId, url: webAddress }))
        .max(64)
        .default([]),
    })
    .exactOptional(),
  /** MCP servers behind the gate, each served to agents at /gate/NAME. */
  gate: z
    .strictObject({
      /** The identity that carries out the calls, which the catalog names as the audience of the actions. */
      as: principalId.refine((id) => !id.startsWith('person/'), 'is a person, and people carry out nothing'),
      servers: z
        .record(
          identifier,
          z.strictObject({
            /** Starts the server, on standard streams. */
            command: z.array(text(2_000)).min(1).max(64),
            /** Credentials of the server, NAME=VALUE on each line. No agent gets them. */
            envFile: z.string().min(1).exactOptional(),
            /** Passes on tools that the catalog does not map, and records their calls: the way to introduce a gate. */
            observe: z.boolean().default(false),
          }),
        )
        .refine((servers) => Object.keys(servers).length <= 32, 'has more than 32 servers'),
      /** How long a call waits for people before the agent is told to call again. */
      wait: durationUpTo(55_000).default(20_000),
      allowedOrigins: z
        .array(webAddress.transform((url) => new URL(url).origin))
        .max(64)
        .default([]),
    })
    .exactOptional(),
  limits: z
    .strictObject({
      evaluation: rate.default({ perSecond: 5_000, burst: 10_000 }),
      submission: rate.default({ perSecond: 10, burst: 60 }),
      reading: rate.default({ perSecond: 50, burst: 200 }),
      redemption: rate.default({ perSecond: 200, burst: 2_000 }),
      enrolment: rate.default({ perSecond: 5, burst: 100 }),
      scim: rate.default({ perSecond: 100, burst: 2_000 }),
      unauthenticated: rate.default({ perSecond: 200, burst: 1_000 }),
    })
    .prefault({}),
  signIn: signInSchema.exactOptional(),
  /** Answers the deployment protection rule of a GitHub App: people and policy decide which deployments go on. */
  github: githubSchema.exactOptional(),
  /** Answers external status checks of GitLab: people and policy decide which merge requests pass. */
  gitlab: gitlabSchema.exactOptional(),
  /** Takes what people choose by the buttons of messages in Slack, where a stage names `slack`. */
  slack: slackSchema.exactOptional(),
  /** Takes approvals by the button of a message in Mattermost, where a stage names `mattermost`. */
  mattermost: mattermostSchema.exactOptional(),
  /** Lets people be told in their browser that they are awaited (Web Push). `notify.yaml` has the private half of the key. */
  push: z
    .strictObject({
      publicKey: z
        .string()
        .regex(/^B[\w-]{86}$/, 'is not a key for push; countersign notify push-key prints it'),
      /** Hosts of push services, and what is below them. Browsers name others in vain. */
      services: z.array(z.hostname()).min(1).max(64).default(PUSH_SERVICES),
    })
    .exactOptional(),
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) }).exactOptional(),
});
export type GatewayConfig = z.output<typeof gatewayConfigSchema>;

/**
 * Reads `gateway.yaml`. File names in it are relative to its folder.
 *
 * @throws Error (one line) that names the file and what is wrong in it
 */
export function readGatewayConfig(file: string): GatewayConfig {
  const document = parseDocument(readSmallFile(file), { uniqueKeys: true });
  const [trouble] = document.errors;
  if (trouble !== undefined) throw new Error(`${file}: ${trouble.message.split('\n')[0]}`);
  const parsed = gatewayConfigSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw new Error(`${file}: ${describeIssues(parsed.error, 'gateway')}`);
  const beside = (name: string) => path.resolve(path.dirname(file), name);
  const config = parsed.data;
  return {
    ...config,
    issuers: config.issuers.map((one) => ({
      ...one,
      ...(one.jwksFile && { jwksFile: beside(one.jwksFile) }),
    })),
    callbacks: config.callbacks.map((one) => ({ ...one, secretFile: beside(one.secretFile) })),
    ...(config.signIn && {
      signIn: {
        ...config.signIn,
        ...(config.signIn.clientSecretFile && { clientSecretFile: beside(config.signIn.clientSecretFile) }),
      },
    }),
    ...(config.gate && {
      gate: {
        ...config.gate,
        servers: Object.fromEntries(
          Object.entries(config.gate.servers).map(([name, one]) => [
            name,
            { ...one, ...(one.envFile && { envFile: beside(one.envFile) }) },
          ]),
        ),
      },
    }),
    ...(config.github && {
      github: {
        ...config.github,
        keyFile: beside(config.github.keyFile),
        webhookSecretFile: beside(config.github.webhookSecretFile),
      },
    }),
    ...(config.gitlab && {
      gitlab: {
        ...config.gitlab,
        tokenFile: beside(config.gitlab.tokenFile),
        checks: config.gitlab.checks.map((one) => ({ ...one, secretFile: beside(one.secretFile) })),
      },
    }),
    ...(config.slack && {
      slack: {
        ...config.slack,
        signingSecretFile: beside(config.slack.signingSecretFile),
        tokenFile: beside(config.slack.tokenFile),
        keyFile: beside(config.slack.keyFile),
      },
    }),
    ...(config.mattermost && {
      mattermost: {
        ...config.mattermost,
        tokenFile: beside(config.mattermost.tokenFile),
        secretFile: beside(config.mattermost.secretFile),
        keyFile: beside(config.mattermost.keyFile),
      },
    }),
    ...(config.tls && {
      tls: { certFile: beside(config.tls.certFile), keyFile: beside(config.tls.keyFile) },
    }),
  };
}

function readSmallFile(file: string): string {
  try {
    if (statSync(file).size > 1024 * 1024) throw new Error('too large');
    return readFileSync(file, 'utf8');
  } catch {
    throw new Error(`${file}: cannot be read`);
  }
}
