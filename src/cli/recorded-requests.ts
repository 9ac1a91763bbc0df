import type { CountersignClient } from '../client';
import { assessmentSchema } from '../contracts/evidence';
import { submissionSchema } from '../contracts/request';
import type { RecordedRequest } from '../policy';
import { type ArchivedEvents, eventsOf, type LeftOut, type Refuse } from './friction/sources';

/** Keeps the newest of the requests that it is given, with the assessment of each. */
export class NewestRequests {
  readonly #limit: number;
  #kept: RecordedRequest[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the recorded events of one request. Leaves out a request that no policy assessed. */
  note(events: unknown): void {
    const request = partOf(events, 'submitted', 'submission');
    const decided = partOf(events, 'assessed', 'assessment');
    const submission = submissionSchema.safeParse(request);
    const assessment = assessmentSchema.safeParse(decided);
    if (!submission.success || !assessment.success) return;
    this.#kept.push({ request: submission.data.request, assessment: assessment.data });
    if (this.#kept.length >= 2 * this.#limit + 100) this.#kept = this.newest();
  }

  newest(): RecordedRequest[] {
    return this.#kept
      .toSorted((a, b) => b.assessment.assessedAtMs - a.assessment.assessedAtMs)
      .slice(0, this.#limit);
  }
}

/** Adds the requests of a server. Leaves out those for which no worker answers, and those that `refuse` says nobody signed. */
export async function noteServer(
  newest: NewestRequests,
  client: CountersignClient,
  { limit, archive, refuse }: ServerRequests,
): Promise<LeftOut> {
  const leftOut = { unanswered: 0, unproved: 0 };
  for (const { id } of await client.list({ limit })) {
    if (await archive?.has(id)) continue;
    const events = await eventsOf(client, id);
    if (events === undefined) leftOut.unanswered += 1;
    else if ((await refuse({ requestId: id, events })) !== undefined) leftOut.unproved += 1;
    else newest.note(events);
  }
  return leftOut;
}

interface ServerRequests {
  readonly limit: number;
  readonly archive: ArchivedEvents | undefined;
  readonly refuse: Refuse;
}

function partOf(events: unknown, type: string, member: string): unknown {
  if (!Array.isArray(events)) return undefined;
  const found: unknown = events.find(
    (event: unknown) => typeof event === 'object' && event !== null && 'type' in event && event.type === type,
  );
  return typeof found === 'object' && found !== null
    ? Object.entries(found).find(([key]) => key === member)?.[1]
    : undefined;
}
