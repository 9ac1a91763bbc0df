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

/**
 * Whether these are the events of a request, as far as figures need it. They come from a server or a file that others
 * write to: a figure may be wrong by what they say, and nothing else may be.
 */
export function areRecorded(events: unknown): events is readonly DomainEvent[] {
  if (!Array.isArray(events) || events.length > LARGEST_LIFE) return false;
  return events.every((event: unknown) => {
    if (typeof event !== 'object' || event === null || !('type' in event) || !('atMs' in event)) return false;
    if (typeof event.type !== 'string' || !Object.hasOwn(TYPES, event.type)) return false;
    if (!Number.isFinite(event.atMs)) return false;
    return event.type !== 'submitted' || isSubmission(event);
  });
}

function isSubmission(event: object): boolean {
  if (!('submission' in event) || typeof event.submission !== 'object' || event.submission === null)
    return false;
  return 'request' in event.submission && accessRequestSchema.safeParse(event.submission.request).success;
}
