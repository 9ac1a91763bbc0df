import { type Ledger, NO_PRECEDENTS } from '../domain/precedents';

/** A ledger that remembers nothing, so every request is the first. For measurements, and for tests of other parts. */
export const FORGETFUL: Ledger = {
  ask: async () => NO_PRECEDENTS,
  assessed: async () => undefined,
  ended: async () => undefined,
  granted: async () => undefined,
  neverGranted: async () => undefined,
  over: async () => undefined,
  openGrants: async () => [],
  grantsOf: async () => [],
  grantOf: async () => undefined,
  reviewed: async () => undefined,
  reportDenial: async () => undefined,
  signed: async () => true,
  reviewsOwed: async () => ({ due: 0, overdue: 0 }),
};
