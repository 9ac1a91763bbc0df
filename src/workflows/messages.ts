import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { EVENTS_QUERY, REQUEST_QUERY, SUBMIT_STATEMENT_UPDATE } from '../contracts/names';
import type { DomainEvent } from '../domain/event';
import type { RequestSnapshot, StatementAnswer } from '../domain/snapshot';
import { VERBS } from '../domain/statement';

/** Arguments are `unknown`, because anyone who reaches the server can send anything. Each verb is a signal of its name. */
export const statementSignals = VERBS.map((verb) => ({
  verb,
  statementSignal: defineSignal<[unknown]>(verb),
}));
export const submitStatementUpdate = defineUpdate<StatementAnswer, [unknown]>(SUBMIT_STATEMENT_UPDATE);
/** The state of the request; null until it has been read. */
export const requestQuery = defineQuery<RequestSnapshot | null>(REQUEST_QUERY);
/** The domain events so far, oldest first. */
export const eventsQuery = defineQuery<readonly DomainEvent[]>(EVENTS_QUERY);
