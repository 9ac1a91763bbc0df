import type { Status } from '../../domain/state';

export type TaskStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'cancelled' | 'failed' | 'partial';

/** How the states of a request show at the task (profile, "Mapping Backend States"). Every state has its place. */
export const TASK_STATUS: Readonly<Record<Status, Exclude<TaskStatus, 'partial'>>> = {
  submitted: 'pending',
  assessing: 'pending',
  awaiting_approval: 'pending',
  // People have signed, but nothing is there yet that could be used.
  approved: 'pending',
  provisioning: 'pending',
  // From here on it was approved, and that stays, whatever becomes of the access.
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

/** The status of a task of several items (profile, "Access Request Response"). */
export function aggregateOf(items: readonly TaskStatus[]): TaskStatus {
  if (items.includes('pending')) return 'pending';
  const [first = 'failed'] = items;
  return items.every((status) => status === first) ? first : 'partial';
}
