import type { CountersignClient, RequestView } from '../../client';
import { LIMITS } from '../../domain/limits';
import type { Approvals } from './approvals';
import { carrying } from './carrying';
import type { TaskItem, TaskRecord } from './records';
import { EXECUTION_MODE, type TaskResponse } from './schema';
import { aggregateOf, TASK_STATUS, type TaskStatus } from './status';

interface Seen {
  readonly item: TaskItem;
  readonly view: RequestView | undefined;
  readonly status: Exclude<TaskStatus, 'partial'>;
}

export interface TaskViewOptions {
  readonly client: CountersignClient;
  readonly approvals: Approvals;
  readonly publicUrl: string;
  readonly endpoint: string;
  readonly nowMs: () => number;
}

/** A task as the one who asked sees it. */
export class TaskView {
  constructor(private readonly options: TaskViewOptions) {}

  /** What is known of each item; asks again until all are decided or the time is over. */
  async look(record: TaskRecord, waitMs: number): Promise<readonly Seen[]> {
    const { client, nowMs } = this.options;
    const untilMs = nowMs() + waitMs;
    for (let pauseMs = 15; ; pauseMs = Math.min(pauseMs * 1.4, 1_000)) {
      const seen = await Promise.all(
        record.items.map(async (item): Promise<Seen> => {
          const view = await carrying(() => client.get(item.request.id), 'NOT_ANSWERING');
          return { item, view, status: view === undefined ? 'pending' : TASK_STATUS[view.status] };
        }),
      );
      const decided = seen.every((one) => one.status !== 'pending');
      if (decided || nowMs() + pauseMs > untilMs) return seen;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async describe(record: TaskRecord, seen: readonly Seen[]): Promise<TaskResponse> {
    const { endpoint } = this.options;
    const results = await Promise.all(seen.map((one) => this.#resultOf(one)));
    // Approved, but what was signed has lapsed before anyone came for it: there is nothing left to be had.
    const statuses = seen.map(({ status }, index) =>
      status === 'approved' && results[index] === undefined ? 'expired' : status,
    );
    const [first] = seen;
    const [result] = results;
    const address = `${endpoint}/${record.id}`;
    const expiresAtMs = (first?.item.request.submittedAtMs ?? 0) + LIMITS.pendingLifeMs;
    const task: TaskResponse['task'] = {
      id: record.id,
      status: aggregateOf(statuses),
      status_endpoint: address,
      expires_at: new Date(expiresAtMs).toISOString(),
      links: { cancel: `${address}/cancel` },
      display: { title: 'Access request', description: displayOf(first?.view) },
      ...progressOf(record, first),
    };
    if (record.isBundle)
      return {
        task: {
          ...task,
          items: seen.flatMap(({ item }, index) => {
            const status = statuses[index] ?? 'failed';
            const itemResult = status === 'approved' ? results[index] : undefined;
            return item.echo === undefined
              ? []
              : [{ ...item.echo, status, ...(itemResult && { result: itemResult }) }];
          }),
        },
      };
    return { task, ...(task.status === 'approved' && result && { result }) };
  }

  async #resultOf({ item, status, view }: Seen) {
    if (status !== 'approved') return undefined;
    const { approvals, publicUrl } = this.options;
    if (item.request.kind === 'access') {
      const approval = await approvals.of(item);
      return approval && { mode: 'reevaluate', approval };
    }
    return {
      mode: EXECUTION_MODE,
      execution: {
        request: item.request.id,
        digest: view?.digest,
        token_endpoint: `${publicUrl}/v1/execution-tokens`,
        redeem_endpoint: `${publicUrl}/v1/execution-tokens/redeem`,
        ...(view?.lease && { expires_at: new Date(view.lease.expiresAtMs).toISOString() }),
      },
    };
  }
}

function displayOf(view: RequestView | undefined): string {
  if (view === undefined) return 'The request is being looked at.';
  if (view.assessment?.safeWay !== undefined) return view.assessment.safeWay;
  if (view.status === 'refused' || view.status === 'hard_stopped')
    return view.assessment?.explanation ?? 'The request is refused.';
  return view.status === 'awaiting_approval'
    ? 'It waits for people to sign.'
    : `The request is ${view.status}.`;
}

/** How far it has come. Who is awaited is not the requester's to know (profile, "Privacy Considerations"). */
function progressOf(record: TaskRecord, first: Seen | undefined) {
  const stages = first?.view?.assessment?.path?.stages;
  if (record.isBundle || stages === undefined || first?.view?.openStage === undefined) return {};
  const at = stages.findIndex((stage) => stage.name === first.view?.openStage);
  return { progress: { current_step: at + 1, total_steps: stages.length, step_name: first.view.openStage } };
}
