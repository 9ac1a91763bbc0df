import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Ground, Standing } from './ground';
import { median } from './stats';
import { waiting } from './waiting';

const { EventType } = temporal.api.enums.v1;

/** What one request costs up to its grant, in numbers that do not depend on how fast the machine is. */
export interface LifeCounts {
  readonly events: number;
  readonly workflow_tasks: number;
  readonly local_activities: number;
  readonly search_attribute_writes: number;
  readonly history_kb: number;
  /** Sent to ledger and target. */
  readonly queries: number;
}

/** The first life sets up tables and connections, so it does not count. */
const FIRST = 1;
const QUIET_MS = 1_000;

/** Runs some requests, one after the other, and returns the medians. */
export function countLives(ground: Ground, standing: Standing, lives: number): Promise<LifeCounts> {
  return ground.withWorkers([standing], async ([worker]) => {
    if (worker === undefined) throw new Error('no worker');
    const counted: LifeCounts[] = [];
    for (let number = 0; number < FIRST + lives; number += 1) {
      const before = await worker.queries();
      const [life] = await waiting(standing.side, ground.client, 1);
      if (life === undefined) throw new Error('nothing waits');
      const granted = worker.granted(life.id);
      await life.decide(ground.client);
      await granted;
      const history = await quietHistory(life.workflowId, ground.client);
      if (number >= FIRST) counted.push({ ...history, queries: (await worker.queries()) - before });
    }
    const of = (name: keyof LifeCounts) => median(counted.map((one) => one[name]));
    return {
      events: of('events'),
      workflow_tasks: of('workflow_tasks'),
      local_activities: of('local_activities'),
      search_attribute_writes: of('search_attribute_writes'),
      history_kb: of('history_kb'),
      queries: of('queries'),
    };
  });
}

/** Waits until nothing has been added to the history for a while, and counts what is in it. */
async function quietHistory(workflowId: string, client: Client): Promise<Omit<LifeCounts, 'queries'>> {
  const handle = client.workflow.getHandle(workflowId);
  for (let length = -1; ; ) {
    const { historyLength } = await handle.describe();
    if (historyLength === length) break;
    length = historyLength;
    await sleep(QUIET_MS);
  }
  const history = await handle.fetchHistory();
  const events = history.events ?? [];
  const ofType = (type: number) => events.filter(({ eventType }) => eventType === type).length;
  const local = events.filter(
    ({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_local_activity',
  );
  return {
    events: events.length,
    workflow_tasks: ofType(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
    local_activities: local.length,
    search_attribute_writes: ofType(EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES),
    history_kb: temporal.api.history.v1.History.encode(history).finish().length / 1_024,
  };
}
