import { z } from 'zod';
import type { DomainEvent } from '../domain/event';
import type { Evidence } from '../domain/prove';
import { evidenceSchema } from './evidence';

const eventsSchema = z.array(z.looseObject({ type: z.string(), atMs: z.number() })).max(10_000);

/** The evidence of a request, put together from its events. They come from an untrusted place; what proves is proved. */
export function evidenceOf(events: readonly DomainEvent[]): Evidence | undefined {
  if (!eventsSchema.safeParse(events).success) return undefined;
  let submission: unknown;
  let assessment: unknown;
  const statements: unknown[] = [];
  for (const event of events) {
    if (event.type === 'submitted') submission = event.submission;
    if (event.type === 'assessed') assessment = event.assessment;
    // What was reported about an execution is no ground for it.
    if (event.type === 'statement_accepted' && event.accepted.statement.verb !== 'report')
      statements.push({ envelope: event.accepted.envelope, receivedAtMs: event.atMs });
  }
  const parsed = evidenceSchema.safeParse({ submission, assessment, statements });
  return parsed.success ? parsed.data : undefined;
}
