/** The statuses of a request, as they are recorded. */
export const STATUSES = [
  'submitted',
  'assessing',
  'hard_stopped',
  'refused',
  'awaiting_approval',
  'approved',
  'provisioning',
  'active',
  'expired',
  'revoked',
  'closed',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
] as const;
export type Status = (typeof STATUSES)[number];

/** Asked for, not yet granted, not yet ended. */
const PENDING_STATUSES = [
  'submitted',
  'assessing',
  'awaiting_approval',
  'approved',
  'provisioning',
] as const satisfies readonly Status[];

/** Returns true if a request with that status is still pending. */
export const isPendingStatus = (status: string): boolean =>
  (PENDING_STATUSES as readonly string[]).includes(status);

/** Returns true if a request with that status is pending but waits for nobody, only for the machine. */
export const isPassingStatus = (status: string): boolean =>
  isPendingStatus(status) && status !== 'awaiting_approval';

/** Ends in which no access was given. Each leaves a bar on the target, so that no later act can reverse it. */
export const UNGRANTED_ENDS = [
  'hard_stopped',
  'refused',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
] as const satisfies readonly Status[];
