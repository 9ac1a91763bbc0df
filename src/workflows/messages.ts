import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { EVENTS_QUERY, REQUEST_QUERY, SUBMIT_STATEMENT_UPDATE } from '../contracts/names';
import type { DomainEvent } from '../domain/event';
import type { RequestSnapshot } from '../domain/snapshot';
import type { StatementVerdict } from '../domain/statement';
import { VERBS } from '../domain/statement';

/** Arguments are `unknown`: whoever reaches the server can send anything. */
export const verbSignals = VERBS.map((verb) => ({ verb, signal: defineSignal<[unknown]>(verb) }));
export const submitStatementUpdate = defineUpdate<StatementVerdict, [unknown]>(SUBMIT_STATEMENT_UPDATE);
export const requestQuery = defineQuery<RequestSnapshot | null>(REQUEST_QUERY);
export const eventsQuery = defineQuery<readonly DomainEvent[]>(EVENTS_QUERY);
