import { proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import type { Command } from '../domain/command';
import type { DomainEvent } from '../domain/event';
import { type Measurement, measurementsOf } from '../domain/measurement';
import type { RequestState } from '../domain/state';
import type { ReceivedMessage } from '../domain/statement-check';

/** One command, the events that followed from it, and the message that it was made from, if any. */
export interface JournalStep {
  readonly command: Command;
  readonly events: readonly DomainEvent[];
  readonly received?: ReceivedMessage;
}

/** Reports each step to a program that replays a history. It sends the server no command, so every history replays. */
export interface JournalSinks extends Sinks {
  countersignJournal: { record(step: JournalStep): void };
}

/** Reports what happened to the worker's metrics. It sends no command either, and is silent during replay. */
export interface MeasurementSinks extends Sinks {
  countersignMeasurements: { record(measurements: readonly Measurement[]): void };
}

/** Called for every step, with all events of the request and the state that they fold to. */
export type Journal = (step: JournalStep, log: readonly DomainEvent[], state: RequestState) => void;

/** Returns a journal that reports steps during replay, and measurements otherwise. */
export function createJournal(): Journal {
  const { countersignJournal, countersignMeasurements } = proxySinks<JournalSinks & MeasurementSinks>();
  return (step, log, state) => {
    if (workflowInfo().unsafe.isReplaying) {
      countersignJournal.record(step);
      return;
    }
    const measurements = measurementsOf(step.events, log, state);
    if (measurements.length > 0) countersignMeasurements.record(measurements);
  };
}
