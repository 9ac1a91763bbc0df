import type { Ask } from './harness-cast';

/** Requests of the example bundle, one for each of its approval paths. */

/** Permitted by policy alone. */
export const READ: Ask = {
  requester: 'agent/atlas',
  entitlement: 'warehouse:reporting#read',
};

/** Needs one lead of payments: Mira or Tomas. Ines owns the pipeline, Helen sponsors it. */
export const WRITE: Ask = {
  requester: 'ci/payments',
  entitlement: 'warehouse:payments#write',
};

/** Needs a lead of payments, then a database administrator: David or Aiko. Privileged. */
export const ADMIN: Ask = {
  requester: 'ci/payments',
  entitlement: 'warehouse:payments#admin',
  ticket: 'CHG-7',
};

/** Needs an incident commander, Sofia or Marcus, and leaves a review owed. */
export const EMERGENCY: Ask = {
  requester: 'person/jonas',
  entitlement: 'warehouse:payments#admin',
  ticket: 'INC-1',
  emergencyCondition: 'production-outage',
};

/** An exact action, permitted once; needs one lead of payments. */
export const ROTATE: Ask = {
  requester: 'ci/payments',
  entitlement: 'changes:payments-secrets#rotate',
  parameters: {
    tool: 'vault-rotate',
    toolVersion: '1',
    target: 'payments-secrets',
    arguments: { path: 'payments/stripe', version: 7 },
  },
};

/** The grounds of a reroute that puts David in Mira's place. */
export const reroutedToDavid = () => ({
  reasonCode: 'approver-absent',
  ticket: 'OPS-1',
  policyBasis: 'production-write',
  replacement: { replace: 'person/mira', with: 'person/david', untilMs: Date.now() + 600_000 },
});
