import { proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import type { Command } from '../domain/command';
import type { DomainEvent } from '../domain/event';
import { type Fact, factsOf } from '../domain/fact';
import type { Refusal } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import type { RequestState } from '../domain/state';
import type { Verb } from '../domain/statement';

/** A message as it was taken from the inbox. */
export interface ReceivedMessage {
  /** The signal's name; absent where it came as an update. */
  readonly verb?: Verb;
  readonly content: SignedEnvelope | Refusal;
}

/** One command, what followed from it, and the message it was made from where it was made from one. */
export interface JournalStep {
  readonly command: Command;
  readonly events: readonly DomainEvent[];
  readonly received?: ReceivedMessage;
}

/** Where whoever replays a history hears of each step. No command to the server comes of it, so every history replays. */
export interface JournalSinks extends Sinks {
  countersignJournal: { record(step: JournalStep): void };
}

/** Where a worker hears what happened, to count it. Nothing comes of it either; it is silent while a history is replayed. */
export interface FactSinks extends Sinks {
  countersignFacts: { record(facts: readonly Fact[]): void };
}

/** Told of every step, with all events of the request and what they fold to. */
export type Journal = (step: JournalStep, log: readonly DomainEvent[], state: RequestState) => void;

/** In replay it speaks to who verifies; at work it says what happened, in a few words, to who counts. */
export function createJournal(): Journal {
  const { countersignJournal, countersignFacts } = proxySinks<JournalSinks & FactSinks>();
  return (step, log, state) => {
    if (workflowInfo().unsafe.isReplaying) {
      countersignJournal.record(step);
      return;
    }
    const facts = factsOf(step.events, log, state);
    if (facts.length > 0) countersignFacts.record(facts);
  };
}
