import { z } from 'zod';
import { accessRequestSchema } from '../contracts/request';
import type { DomainEvent } from '../domain/event';

/** Every type of event there is; the compiler finds what is missing here. */
const TYPES: Readonly<Record<DomainEvent['type'], true>> = {
  submitted: true,
  submission_rejected: true,
  recognised: true,
  assessed: true,
  hard_stopped: true,
  refused: true,
  permitted: true,
  confirmation_awaited: true,
  stage_opened: true,
  statement_accepted: true,
  statement_refused: true,
  statements_dropped: true,
  approval_counted: true,
  approval_lapsed: true,
  confirmed: true,
  confirmation_lapsed: true,
  stage_completed: true,
  approved: true,
  denied: true,
  cancelled: true,
  withdrawn: true,
  reroute_proposed: true,
  rerouted: true,
  reroute_unendorsed: true,
  replacement_lapsed: true,
  switch_proposed: true,
  path_switched: true,
  switch_unendorsed: true,
  switch_lapsed: true,
  review_owed: true,
  reminded: true,
  escalated: true,
  lapsed: true,
  provisioning_started: true,
  provisioning_failed: true,
  granted: true,
  ending_ordered: true,
  access_ended: true,
  barred: true,
  review_overdue: true,
  reviewed: true,
  execution_reported: true,
  closed: true,
};

/** More than the core lets one request come to. */
const LARGEST_LIFE = 20_000;

const name = z.string();
const path = z.object({
  name,
  stages: z.array(z.object({ name, eligible: z.array(name), quorum: z.number() })),
});
const person = z.object({ by: name });

/** What figures read of an event, beyond its type and moment; the other types are only counted. */
const SHAPES: Partial<Record<DomainEvent['type'], z.ZodType>> = {
  submitted: z.object({ submission: z.object({ request: accessRequestSchema }) }),
  assessed: z.object({
    assessment: z.object({
      outcome: name,
      explanation: name,
      safeWay: name.optional(),
      path: path.optional(),
      confirmation: z.object({ by: z.array(name) }).optional(),
      reviewers: z.array(name),
      privileged: z.boolean(),
      determiningPolicies: z.array(name),
      precedents: z.array(z.object({ kind: name, about: name })).optional(),
    }),
  }),
  stage_opened: z.object({ stage: name }),
  stage_completed: z.object({ stage: name }),
  approval_counted: z.object({ by: name, stage: name }),
  denied: person,
  reminded: z.object({ awaiting: z.array(name) }),
  escalated: z.object({ awaiting: z.array(name) }),
  rerouted: z.object({ reroute: z.object({ stage: name, replace: name, with: name }) }),
  reroute_proposed: z.object({ reroute: z.object({ stage: name, replace: name, with: name }) }),
  path_switched: z.object({ change: z.object({ path }) }),
  switch_proposed: z.object({ change: z.object({ path }) }),
};

/**
 * Whether these are the events of a request, as far as figures need it. They come from a server or a file that others
 * write to: a figure may be wrong by what they say, and nothing else may be.
 */
export function areRecorded(events: unknown): events is readonly DomainEvent[] {
  return Array.isArray(events) && events.length <= LARGEST_LIFE && events.every(isRecorded);
}

function isRecorded(event: unknown): boolean {
  if (typeof event !== 'object' || event === null || !('type' in event) || !('atMs' in event)) return false;
  const type = typeof event.type === 'string' ? event.type : '';
  if (!isType(type) || !Number.isFinite(event.atMs)) return false;
  return SHAPES[type]?.safeParse(event).success ?? true;
}

const isType = (type: string): type is DomainEvent['type'] => Object.hasOwn(TYPES, type);
