import { makeContinueAsNewFunc, proxyActivities } from '@temporalio/workflow';

/** Workflows of a stranger who can write to the namespace and runs a worker of their own. */

/** Schedules one of our activities on our task queue, with any input. */
export async function scheduleActivity(name: string, input: unknown): Promise<unknown> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    taskQueue: 'countersign',
    scheduleToCloseTimeout: '20s',
    retry: { maximumAttempts: 1 },
  });
  return activities[name]?.(input);
}

/** Continues as one of our workflows, as if that were continued from an earlier run. */
export async function becomeRequest(submission: unknown, carried: unknown): Promise<void> {
  const become = makeContinueAsNewFunc<(submission: unknown, carried: unknown) => Promise<void>>({
    workflowType: 'accessRequest',
    taskQueue: 'countersign',
  });
  await become(submission, carried);
}
