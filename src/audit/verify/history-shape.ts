import { z } from 'zod';
import type { EvidenceFile } from '../evidence/schema';

/*
 * Checks that the events of a history follow each other as a server writes them. The replay is made for histories of
 * a server, and may hang or crash with others, so such histories are refused before it, with the place of the wrong event.
 */

type PlainEvent = EvidenceFile['runs'][number]['history']['events'][number];

const eventId = z.string().regex(/^\d{1,10}$/);
const eventSchema = z.looseObject({
  eventId,
  eventType: z.string(),
  eventTime: z.looseObject({}),
});
const attributesSchema = z.looseObject({
  scheduledEventId: eventId.optional(),
  startedEventId: eventId.optional(),
  workflowTaskCompletedEventId: eventId.optional(),
  acceptedEventId: eventId.optional(),
  timerId: z.string().optional(),
});
const startedSchema = z.looseObject({
  workflowType: z.looseObject({ name: z.string().min(1) }),
  taskQueue: z.looseObject({ name: z.string().min(1) }),
  workflowId: z.string().min(1),
  originalExecutionRunId: z.string().min(1),
});

/** An event that does not belong where it is. */
export interface MisplacedEvent {
  readonly index: number;
  readonly message: string;
}

/** Returns the first event that no server would have written there; undefined if all are possible. */
export function misplacedEvent(events: readonly PlainEvent[]): MisplacedEvent | undefined {
  const walk = new Walk();
  for (const [index, event] of events.entries()) {
    const message = walk.step(event, index + 1);
    if (message !== undefined) return { index, message };
  }
  return undefined;
}

const NONE = 'no server writes such an event';
const NO_TASK = 'no such workflow task is open';
const ENDS = ['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED', 'TERMINATED', 'CONTINUED_AS_NEW'].map(
  (end) => `WORKFLOW_EXECUTION_${end}`,
);

/** Walks along the events and records what is open at each of them. */
class Walk {
  /** Event types by number, for events that refer to them. */
  readonly #types = new Map<string, string>();
  readonly #timers = new Map<string, string>();
  readonly #activities = new Set<string>();
  #task: { readonly scheduled: string; readonly started?: string } | undefined;
  #isOver = false;

  step(event: PlainEvent, number: number): string | undefined {
    const read = eventSchema.safeParse(event);
    if (!read.success || read.data.eventId !== String(number)) return NONE;
    const type = read.data.eventType.replace('EVENT_TYPE_', '');
    const names = Object.keys(event).filter((name) => name.endsWith('EventAttributes'));
    const [name = ''] = names;
    if (names.length !== 1 || name !== attributesOf(type)) return NONE;
    const attributes = attributesSchema.safeParse(event[name]);
    if (!attributes.success) return NONE;
    if (this.#isOver) return 'the workflow had ended';
    const message = this.#place(type, String(number), attributes.data);
    this.#types.set(String(number), type);
    this.#isOver = ENDS.includes(type);
    return message;
  }

  #place(type: string, id: string, of: z.infer<typeof attributesSchema>): string | undefined {
    if ((type === 'WORKFLOW_EXECUTION_STARTED') !== (id === '1'))
      return 'only the first event starts a workflow';
    if (id === '1') return startedSchema.safeParse(of).success ? undefined : NONE;
    const { workflowTaskCompletedEventId: decided } = of;
    if (decided !== undefined && this.#types.get(decided) !== 'WORKFLOW_TASK_COMPLETED')
      return `event ${decided} is not a completed workflow task`;
    if (type.startsWith('WORKFLOW_TASK_')) return this.#placeTask(type, id, of);
    if (type.startsWith('TIMER_')) return this.#placeTimer(type, id, of);
    if (type.startsWith('ACTIVITY_TASK_')) return this.#placeActivity(type, id, of);
    if (type === 'WORKFLOW_EXECUTION_UPDATE_COMPLETED')
      return this.#types.get(of.acceptedEventId ?? '') === 'WORKFLOW_EXECUTION_UPDATE_ACCEPTED'
        ? undefined
        : 'no update was accepted before it';
    return undefined;
  }

  /** Workflow tasks come one at a time: scheduled, started, and then completed, failed or timed out. */
  #placeTask(type: string, id: string, of: z.infer<typeof attributesSchema>): string | undefined {
    const task = this.#task;
    if (type === 'WORKFLOW_TASK_SCHEDULED') {
      this.#task = { scheduled: id };
      return task === undefined ? undefined : 'the previous workflow task is still open';
    }
    if (task === undefined || task.scheduled !== of.scheduledEventId) return NO_TASK;
    if (type === 'WORKFLOW_TASK_STARTED') {
      this.#task = { ...task, started: id };
      return task.started === undefined ? undefined : 'the workflow task was started before';
    }
    this.#task = undefined;
    const { startedEventId: started = '0' } = of;
    return started === (task.started ?? '0') ? undefined : NO_TASK;
  }

  #placeTimer(type: string, id: string, { timerId = '', startedEventId }: z.infer<typeof attributesSchema>) {
    if (type === 'TIMER_STARTED') {
      const isOpen = this.#timers.has(timerId);
      this.#timers.set(timerId, id);
      return isOpen ? 'the timer is running already' : undefined;
    }
    const started = this.#timers.get(timerId);
    this.#timers.delete(timerId);
    return started !== undefined && started === startedEventId ? undefined : 'no such timer was started';
  }

  #placeActivity(type: string, id: string, { scheduledEventId = '' }: z.infer<typeof attributesSchema>) {
    if (type === 'ACTIVITY_TASK_SCHEDULED') {
      this.#activities.add(id);
      return undefined;
    }
    const isOpen = this.#activities.has(scheduledEventId);
    const isBetween = type === 'ACTIVITY_TASK_STARTED' || type === 'ACTIVITY_TASK_CANCEL_REQUESTED';
    if (!isBetween) this.#activities.delete(scheduledEventId);
    return isOpen ? undefined : 'no such activity is open';
  }
}

/** `EVENT_TYPE_TIMER_FIRED` has `timerFiredEventAttributes`. */
const attributesOf = (type: string): string =>
  type
    .toLowerCase()
    .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
    .concat('EventAttributes');
