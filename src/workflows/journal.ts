import { proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import type { Command } from '../domain/command';
import type { DomainEvent } from '../domain/event';
import type { Refusal } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
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

/** Speaks only in replay: a worker at work has nobody who listens, and pays nothing. */
export function createJournal(): (step: JournalStep) => void {
  const { countersignJournal } = proxySinks<JournalSinks>();
  return (step) => {
    if (workflowInfo().unsafe.isReplaying) countersignJournal.record(step);
  };
}
