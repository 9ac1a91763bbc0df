import { type Ledger, NO_PRECEDENTS } from '../domain/precedents';

/** Keeps nothing: to a worker with this, every request is the first. For measurements and tests of other things. */
export const FORGETFUL: Ledger = {
  ask: async () => NO_PRECEDENTS,
  assessed: async () => undefined,
  ended: async () => undefined,
  granted: async () => undefined,
  neverGranted: async () => undefined,
  over: async () => undefined,
  openGrants: async () => [],
  grantOf: async () => undefined,
  reviewed: async () => undefined,
  reportDenial: async () => undefined,
  reviewsOwed: async () => ({ due: 0, overdue: 0 }),
};
