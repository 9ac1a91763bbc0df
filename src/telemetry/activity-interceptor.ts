import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { endAccessSchema } from '../contracts/evidence';
import { requestIdOf } from '../contracts/names';
import { readTraceHeader } from '../contracts/traceparent';
import type { MetricsSink } from './catalogue';
import type { FailingEnds } from './failing-ends';
import type { Tracing } from './tracing';

export interface Watch {
  readonly metrics: MetricsSink;
  readonly tracing: Tracing;
  readonly failingEnds: FailingEnds;
}

/** Times each try of an activity, puts it into the trace of who asked, and keeps count of ends that fail. */
export function watchedActivities({ metrics, tracing, failingEnds }: Watch) {
  return ({ info }: Context): ActivityInterceptors => ({
    inbound: {
      execute: async (input, next) => {
        const begun = performance.now();
        const { activityType: activity, attempt, isLocal, scheduledTimestampMs } = info;
        const finish = (result: 'done' | 'failed') => {
          const seconds = (performance.now() - begun) / 1_000;
          metrics.record('countersign_activity_duration_seconds', seconds, { activity, result });
          const end = activity === 'endAccess' ? endAccessSchema.safeParse(input.args[0]).data : undefined;
          if (end === undefined) return;
          if (result === 'done') failingEnds.done(end.leaseId);
          else failingEnds.failed(end.leaseId, end.connector, scheduledTimestampMs);
        };
        const id = requestIdOf(info.workflowExecution?.workflowId ?? '');
        const attributes = {
          ...(id !== undefined && { 'countersign.request.id': id }),
          'temporal.activity.attempt': attempt,
          'temporal.activity.local': isLocal,
        };
        const parent = readTraceHeader(input.headers);
        try {
          const result = await tracing.span(
            `activity ${activity}`,
            { kind: 'server', attributes, parent },
            () => next(input),
          );
          finish('done');
          return result;
        } catch (error) {
          finish('failed');
          throw error;
        }
      },
    },
  });
}
