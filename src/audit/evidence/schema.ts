import { z } from 'zod';
import { digest, eventSchema } from '../../contracts/event';
import { requestId } from '../../contracts/request';
import { STATUSES } from '../../domain/status';
import { commandSchema, receivedSchema } from './command-schema';
import { excerptSchema } from './excerpt';
import { findingsSchema } from './recorded-findings';

export const EVIDENCE_FORMAT = 'countersign-evidence';
/** Raise it if a new file would mislead an older program. */
export const EVIDENCE_VERSION = 1;
/** No request can produce larger evidence. */
export const LARGEST_EVIDENCE_BYTES = 64 * 1024 * 1024;

/** Whether the workflow still ran when this was written, and if not, how the server says it ended. */
export const EXECUTIONS = ['running', 'completed', 'failed', 'canceled', 'terminated', 'timed_out'] as const;
export type Execution = (typeof EXECUTIONS)[number];

const stepSchema = z
  .strictObject({
    command: commandSchema.describe('the command that the workflow gave the core'),
    received: receivedSchema
      .exactOptional()
      .describe('for a statement: exactly the message that was received, accepted or not'),
    events: z
      .array(
        z.strictObject({
          event: eventSchema,
          hash: digest.describe('SHA-256 over the canonical JSON of [hash of the event before, event]'),
        }),
      )
      .min(1)
      .max(256)
      .describe('the events that followed, in order'),
  })
  .describe('one step: a command, and the events that followed');

export const historySchema = z
  .strictObject({ events: z.array(z.record(z.string(), z.json())).min(1).max(60_000) })
  .describe(
    "Temporal's history of this run: the fields of temporal.api.history.v1.History by name, bytes in base64, " +
      'numbers past 53 bits as text, times as seconds and nanoseconds',
  );

/** Evidence of one request: everything needed to check what was decided and why, without our servers. */
export const evidenceFileSchema = z.strictObject({
  format: z.literal(EVIDENCE_FORMAT),
  version: z.literal(EVIDENCE_VERSION),
  request: requestId,
  status: z.enum(STATUSES).describe('the status of the request when this was written'),
  execution: z.enum(EXECUTIONS),
  software: z
    .strictObject({ countersign: z.string().max(64), temporalSdk: z.string().max(64) })
    .describe('the software that wrote this file; each assessment names its policy engine'),
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
    .describe('each version of policy that was used, complete'),
  directories: z
    .array(z.strictObject({ digest, excerpt: excerptSchema }))
    .max(64)
    .describe('the part of each version of the directory that was used'),
  steps: z.array(stepSchema).min(1).max(65_536),
  findings: findingsSchema
    .exactOptional()
    .describe('findings about the lease on the target, as the target had them when this was written'),
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
    .describe('runs of the workflow, the first one first; a long history continues in another run'),
  seal: digest.describe('SHA-256 over the canonical JSON of all other members'),
});
export type EvidenceFile = z.infer<typeof evidenceFileSchema>;

/** Returns the published JSON Schema of evidence, for other programs. */
export function evidenceJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(evidenceFileSchema, {
    target: 'draft-2020-12',
    io: 'input',
    reused: 'ref',
    // Checks that need code, such as the form of a principal's id, are left out.
    unrepresentable: 'any',
  });
  return {
    $schema,
    $id: `https://countersign.dev/schemas/evidence-v${EVIDENCE_VERSION}.schema.json`,
    title: 'Evidence of an access request',
    description:
      'Docs: docs/audit/evidence.md. A file is its own RFC 8785 canonical JSON, followed by a line end.',
    ...schema,
  };
}
