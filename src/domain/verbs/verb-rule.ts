import type { DomainEvent } from '../event';
import type { Result } from '../refusal';
import type { RequestState } from '../state';
import type { VerifiedStatement } from '../statement';

/**
 * What one verb may do. Called after integrity and standing held, and before the revision is looked at; yields the events
 * that carry out the statement, or the refusal. Authority is looked at before content, content before timing.
 */
export type VerbRule = (
  state: RequestState,
  facts: VerifiedStatement,
  atMs: number,
) => Result<readonly DomainEvent[]>;
