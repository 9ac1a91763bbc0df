import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { describeIssues } from '../contracts/problem';
import { identifier, principalId, text } from '../contracts/request';

/** Algorithms that a caller's token may be signed with: asymmetric ones only, so that no public key passes for a secret. */
export const TOKEN_ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'] as const;

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$)/;

/** https, or plain http to this very machine, where there is nobody on the way. */
const webAddress = z
  .url()
  .max(2_000)
  .refine((url) => url.startsWith('https://') || LOOPBACK.test(url), 'must be an https address')
  .refine((url) => !url.includes('#'), 'must have no fragment');

const claims = z
  .record(identifier, text(512))
  .refine((said) => Object.keys(said).length > 0, 'must name at least one claim');

const identitySchema = z.strictObject({ principal: principalId, claims });

/** Claims of which a mapping must fix one, or whoever has any account at the issuer could be the identity. */
const DECISIVE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  oauth: [['sub'], ['client_id'], ['azp']],
  'github-actions': [
    ['repository', 'ref'],
    ['repository', 'environment'],
    ['repository_id', 'ref'],
    ['repository_id', 'environment'],
    ['sub'],
  ],
  spiffe: [['sub']],
};

const issuerSchema = z
  .strictObject({
    kind: z.enum(['oauth', 'github-actions', 'spiffe']),
    /** The `iss` of its tokens; for SPIFFE the trust domain, as in spiffe://example.org. */
    issuer: text(512),
    jwksUri: webAddress.exactOptional(),
    jwksFile: z.string().min(1).exactOptional(),
    audience: text(512),
    algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).default(['ES256', 'RS256']),
    identities: z.array(identitySchema).min(1).max(10_000),
  })
  .refine((said) => said.jwksUri !== undefined || said.jwksFile !== undefined, {
    path: ['jwksUri'],
    message: 'name where its keys are: jwksUri or jwksFile',
  })
  .superRefine((said, context) => {
    for (const [index, { claims: named }] of said.identities.entries())
      if (!DECISIVE[said.kind]?.some((needed) => needed.every((name) => named[name] !== undefined)))
        context.addIssue({
          code: 'custom',
          path: ['identities', index, 'claims'],
          message: `is too wide for ${said.kind}: name ${DECISIVE[said.kind]?.map((one) => one.join(' and ')).join(', or ')}`,
        });
    if (said.kind === 'spiffe' && !/^spiffe:\/\/[a-z0-9._-]+$/.test(said.issuer))
      context.addIssue({
        code: 'custom',
        path: ['issuer'],
        message: 'must be a trust domain, spiffe://NAME',
      });
  });
export type IssuerConfig = z.output<typeof issuerSchema>;

const rate = z.strictObject({
  perSecond: z.number().positive().max(1_000_000),
  burst: z.number().int().positive().max(1_000_000),
});

/** `gateway.yaml`. */
export const gatewayConfigSchema = z.strictObject({
  publicUrl: webAddress.transform((url) => url.replace(/\/$/, '')).exactOptional(),
  issuers: z.array(issuerSchema).max(32).default([]),
  /** Whether those in the directory may sign tokens for themselves with their registered keys. */
  registeredKeys: z.boolean().default(true),
  /** Identities that enforce decisions about others: they may ask about anyone, and what they present is believed. */
  enforcementPoints: z.array(principalId).max(1_000).default([]),
  callbacks: z
    .array(
      z.strictObject({
        /** Every endpoint that begins with this, at a whole path segment. */
        prefix: webAddress,
        principals: z.array(principalId).min(1),
        secretFile: z.string().min(1),
        allowInternal: z.boolean().default(false),
      }),
    )
    .max(256)
    .default([]),
  /** Opens the front door for AI agents at /mcp. */
  mcp: z
    .strictObject({
      /** Origins of pages that may call it from a browser, beside the gateway's own. */
      allowedOrigins: z
        .array(webAddress.transform((url) => new URL(url).origin))
        .max(64)
        .default([]),
      /** Where approved actions are handed to, by the audience of their tokens. */
      executors: z
        .array(z.strictObject({ audience: principalId, url: webAddress }))
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
      unauthenticated: rate.default({ perSecond: 200, burst: 1_000 }),
    })
    .prefault({}),
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) }).exactOptional(),
});
export type GatewayConfig = z.output<typeof gatewayConfigSchema>;

/**
 * Reads `gateway.yaml`. Files that it names are sought beside it.
 *
 * @throws Error of one line that names the file and what is wrong in it
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
