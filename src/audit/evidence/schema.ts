import { z } from 'zod';
import { requestId } from '../../contracts/request';
import { STATUSES } from '../../domain/state';
import { commandSchema, eventSchema, receivedSchema } from './event-schema';
import { excerptSchema } from './excerpt';
import { findingsSchema } from './found';

export const EVIDENCE_FORMAT = 'countersign-evidence';
/** Raised when a file of the new kind would mislead a program of the old one. */
export const EVIDENCE_VERSION = 1;
/** No request can make evidence that is larger; what is larger is something else. */
export const LARGEST_EVIDENCE_BYTES = 64 * 1024 * 1024;

const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');

/** Whether the workflow still ran when this was written, and if not, how the server says it ended. */
export const EXECUTIONS = ['running', 'completed', 'failed', 'canceled', 'terminated', 'timed_out'] as const;
export type Execution = (typeof EXECUTIONS)[number];

const stepSchema = z
  .strictObject({
    command: commandSchema.describe('what the outside told the core, as the workflow put it'),
    received: receivedSchema
      .exactOptional()
      .describe('for a statement: exactly what was received, whether or not it was accepted'),
    events: z
      .array(
        z.strictObject({
          event: eventSchema,
          hash: digest.describe('SHA-256 over the canonical JSON of [hash of the event before, event]'),
        }),
      )
      .min(1)
      .max(256)
      .describe('what followed from it, in order'),
  })
  .describe('one step of the course');

export const historySchema = z
  .strictObject({ events: z.array(z.record(z.string(), z.json())).min(1).max(60_000) })
  .describe(
    "Temporal's history of this run: the fields of temporal.api.history.v1.History by name, bytes in base64, " +
      'numbers past 53 bits as text, times as seconds and nanoseconds',
  );

/** Evidence of one request: all that it takes to check, without us and our servers, what was decided and why. */
export const evidenceFileSchema = z.strictObject({
  format: z.literal(EVIDENCE_FORMAT),
  version: z.literal(EVIDENCE_VERSION),
  request: requestId,
  status: z.enum(STATUSES).describe('where the request stood when this was written'),
  execution: z.enum(EXECUTIONS),
  software: z
    .strictObject({ countersign: z.string().max(64), temporalSdk: z.string().max(64) })
    .describe('what wrote this file; the policy engine of each assessment is named there'),
  policies: z
    .array(
      z.strictObject({
        digest,
        files: z
          .array(z.strictObject({ name: z.string().max(256), text: z.string() }))
          .min(1)
          .max(256),
      }),
    )
    .max(64)
    .describe('each version of policy that took part, whole'),
  directories: z
    .array(z.strictObject({ digest, excerpt: excerptSchema }))
    .max(64)
    .describe('of each version of the directory that took part, what was asked of it'),
  steps: z.array(stepSchema).min(1).max(65_536),
  findings: findingsSchema
    .exactOptional()
    .describe('what was found on the target about its lease, as the target had it when this was written'),
  head: digest.describe('hash of the last event'),
  runs: z
    .array(
      z.strictObject({
        runId: z.string().max(64),
        history: historySchema,
      }),
    )
    .min(1)
    .max(1_024)
    .describe('runs of the workflow, the first one first; a history that grew long goes on in another run'),
  seal: digest.describe('SHA-256 over the canonical JSON of all other members'),
});
export type EvidenceFile = z.infer<typeof evidenceFileSchema>;
export type EvidenceStep = EvidenceFile['steps'][number];
