import type { CountersignClient, RequestView } from '../../client';
import { endingDecision, sayDecision } from '../../contracts/progress';
import { sayRemedy } from '../../contracts/remedy';
import { LIMITS } from '../../domain/limits';
import type { Status } from '../../domain/status';
import type { VerifiedRequests } from '../../verified/verified-requests';
import type { Approvals } from './approvals';
import { carrying } from './carrying';
import type { TaskItem, TaskRecord } from './records';
import { EXECUTION_MODE, type TaskResponse } from './schema';

export type TaskStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'failed' | 'partial';

/** Maps the status of a request to that of its task (profile, "Mapping Backend States"). */
export const TASK_STATUS: Readonly<Record<Status, Exclude<TaskStatus, 'partial'>>> = {
  submitted: 'pending',
  assessing: 'pending',
  awaiting_approval: 'pending',
  // People have signed, but there is no access yet.
  approved: 'pending',
  provisioning: 'pending',
  // It was approved, and stays so whatever becomes of the access.
  active: 'approved',
  expired: 'approved',
  revoked: 'approved',
  closed: 'approved',
  hard_stopped: 'denied',
  refused: 'denied',
  denied: 'denied',
  lapsed: 'expired',
  cancelled: 'cancelled',
  withdrawn: 'cancelled',
  failed: 'failed',
};

/** Returns the status of a task with several items (profile, "Access Request Response"). */
export function aggregateOf(items: readonly TaskStatus[]): TaskStatus {
  if (items.includes('pending')) return 'pending';
  const [first = 'failed'] = items;
  return items.every((status) => status === first) ? first : 'partial';
}

interface Seen {
  readonly item: TaskItem;
  /** What was derived of its request. Undefined if nothing answers yet, or if it does not hold. */
  readonly view: RequestView | undefined;
  readonly status: Exclude<TaskStatus, 'partial'>;
  /** Why what the server says of its request does not hold. */
  readonly unproved?: string;
}

export interface TaskViewOptions {
  readonly client: CountersignClient;
  readonly verified: VerifiedRequests;
  readonly approvals: Approvals;
  readonly publicUrl: string;
  readonly endpoint: string;
  readonly nowMs: () => number;
}

/** Shows a task to its requester. */
export class TaskView {
  constructor(private readonly options: TaskViewOptions) {}

  /**
   * Returns the state of each item. Polls until all are decided by the server's word or `waitMs` is over, and then derives what it
   * says of each.
   */
  async look(record: TaskRecord, waitMs: number): Promise<readonly Seen[]> {
    const { client, nowMs } = this.options;
    const untilMs = nowMs() + waitMs;
    for (let pauseMs = 15; ; pauseMs = Math.min(pauseMs * 1.4, 1_000)) {
      const claimed = await Promise.all(
        record.items.map(({ request }) => carrying(() => client.get(request.id), 'NOT_ANSWERING')),
      );
      const decided = claimed.every((view) => view !== undefined && TASK_STATUS[view.status] !== 'pending');
      if (decided || nowMs() + pauseMs > untilMs)
        return Promise.all(record.items.map((item, index) => this.#derive(item, claimed[index])));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** A request that does not hold has no decision that anybody could rely on. If the server says it is decided, nothing will come of it. */
  async #derive(item: TaskItem, claimed: RequestView | undefined): Promise<Seen> {
    const none = { item, view: undefined, status: 'pending' } as const;
    if (claimed === undefined) return none;
    const read = await carrying(() => this.options.verified.read(item.request.id), 'NOT_ANSWERING');
    if (read === undefined) return none;
    if (read.holds) return { item, view: read.view, status: TASK_STATUS[read.view.status] };
    const isPending = read.claimed === undefined || TASK_STATUS[read.claimed.status] === 'pending';
    return { ...none, status: isPending ? 'pending' : 'failed', unproved: read.refusal.detail };
  }

  async describe(record: TaskRecord, seen: readonly Seen[]): Promise<TaskResponse> {
    const { endpoint } = this.options;
    const results = await Promise.all(seen.map((one) => this.#resultOf(one)));
    // Approved, but the signatures lapsed before anyone used the approval, so nothing is left to use.
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
      display: { title: 'Access request', description: displayOf(first) },
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

function displayOf({ view, unproved }: Partial<Seen> = {}): string {
  if (unproved !== undefined) return `What the server says of this request is not proved: ${unproved}`;
  if (view === undefined) return 'The request is being looked at.';
  if (view.assessment?.safeWay !== undefined) return view.assessment.safeWay;
  if (view.status === 'refused' || view.status === 'hard_stopped') {
    const { explanation = 'The request is refused.', remedy } = view.assessment ?? {};
    return remedy === undefined
      ? explanation
      : `${explanation}; what would change the answer: ${sayRemedy(remedy)}`;
  }
  const ended = endingDecision(view);
  if (ended !== undefined) return `The request is ${sayDecision(ended)}`;
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
