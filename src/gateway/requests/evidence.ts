import { z } from 'zod';
import type { CountersignClient, DomainEvent } from '../../client';
import { evidenceSchema } from '../../contracts/evidence';
import type { Directory, Policy } from '../../domain/ports';
import { type Authorisation, type Evidence, proveAuthorised } from '../../domain/prove';
import { type Result, refused } from '../../domain/refusal';

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

/** The directory and policy of this moment. */
export interface Authority {
  readonly directory: Directory;
  readonly policy: Policy;
}

/** Proves a request again from its evidence, by the directory and policy of now, as of `atMs`. */
export async function proveRequest(
  client: CountersignClient,
  requestId: string,
  atMs: number,
  { directory, policy }: Authority,
): Promise<Result<{ readonly authorisation: Authorisation; readonly evidence: Evidence }>> {
  const evidence = evidenceOf(await client.events(requestId));
  if (evidence === undefined || evidence.submission.request.id !== requestId)
    return refused('NOT_AUTHORISED', 'there is no evidence that could prove it');
  const proof = await proveAuthorised(evidence, atMs, directory, policy);
  return proof.ok ? { ok: true, value: { authorisation: proof.value, evidence } } : proof;
}
