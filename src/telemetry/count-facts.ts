import type { Fact } from '../domain/fact';
import { OTHER, type Recorder } from './catalogue';

export interface FactsContext {
  /** When the request was started, by the server's clock. */
  readonly startedAtMs: number;
  /** Whether this worker has a connector of that name; a requester can write any. */
  readonly isConnector: (name: string) => boolean;
}

/** Counts what the workflow said has happened to one request. */
export function countFacts(facts: readonly Fact[], about: FactsContext, { record }: Recorder): void {
  for (const fact of facts) countFact(fact, about, record);
}

function countFact(fact: Fact, { startedAtMs, isConnector }: FactsContext, record: Recorder['record']): void {
  const known = (name: string): string => (isConnector(name) ? name : OTHER);
  switch (fact.type) {
    case 'assessed':
      record('countersign_requests_assessed_total', 1, { outcome: fact.outcome });
      return;
    case 'decided': {
      const { decision, lane, atMs } = fact;
      record('countersign_requests_decided_total', 1, { decision, lane });
      record('countersign_time_to_decision_seconds', (atMs - startedAtMs) / 1_000, { decision, lane });
      return;
    }
    case 'granted': {
      const labels = { connector: known(fact.connector), lane: fact.lane };
      record('countersign_decision_to_grant_seconds', fact.afterDecisionMs / 1_000, labels);
      return;
    }
    case 'grant_refused':
      record('countersign_grants_refused_total', 1, { connector: known(fact.connector), code: fact.code });
      return;
    case 'access_ended': {
      const connector = known(fact.connector);
      record('countersign_leases_ended_total', 1, { connector, cause: fact.cause });
      record('countersign_lease_end_lag_seconds', fact.lateMs / 1_000, { connector, by: 'workflow' });
      return;
    }
    case 'statement': {
      const { verb, refusal } = fact;
      const verdict = refusal === undefined ? 'accepted' : 'refused';
      record('countersign_statements_total', 1, { verb, verdict });
      if (refusal !== undefined) record('countersign_refusals_total', 1, { code: refusal });
      return;
    }
    case 'dropped':
      record('countersign_statements_dropped_total', fact.count, {});
      return;
    case 'prompted':
      record('countersign_prompts_total', 1, { how: fact.how });
      return;
    case 'review':
      record('countersign_reviews_total', 1, { phase: fact.phase });
      return;
  }
}
