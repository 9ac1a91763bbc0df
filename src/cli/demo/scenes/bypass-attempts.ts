import type { PrincipalId } from '../../../domain/principal';

/** One attempt to have people allow what a control held back, and what policy names instead. */
export interface BypassAttempt {
  readonly title: string;
  /** Who asks, in their own words. */
  readonly requester: PrincipalId;
  readonly entitlement: string;
  readonly reason: string;
  /** The people who would like to say yes. */
  readonly friends: readonly PrincipalId[];
  /** Someone of rank who asks for it in the requester's place. */
  readonly senior: PrincipalId;
  /** The same, as two requests that look harmless each. */
  readonly split: readonly { readonly requester: PrincipalId; readonly entitlement: string }[];
  /** What policy names instead (APB-7). */
  readonly safeWay: string;
}

/** The four attempts of a workload that cannot get past a control and asks a human to relax it (APB-5). */
export const BYPASS_ATTEMPTS: readonly BypassAttempt[] = [
  {
    title: 'an agent asks a manager to temporarily allow a connector that is not on the list',
    requester: 'agent/atlas',
    entitlement: 'gateway:connectors#exempt',
    reason: 'please allow the connector temporarily, the report is urgent',
    friends: ['person/helen', 'person/lena'],
    senior: 'person/helen',
    split: [
      { requester: 'agent/atlas', entitlement: 'gateway:connectors#exempt' },
      { requester: 'person/lena', entitlement: 'gateway:connectors#exempt' },
    ],
    safeWay: 'Ask security operations to assess the connector; until then use one of the list.',
  },
  {
    title: 'a pipeline asks to keep a token in a CI variable instead of rotating it',
    requester: 'ci/payments',
    entitlement: 'github:ci-variables#exempt',
    reason: 'just this once, the rotation would delay the release',
    friends: ['person/mira', 'person/tomas'],
    senior: 'person/helen',
    split: [
      { requester: 'ci/payments', entitlement: 'github:secret-scanning#exempt' },
      { requester: 'ci/payments', entitlement: 'github:ci-variables#exempt' },
    ],
    safeWay: 'Rotate the token; the vault hands the pipeline a new one for each run.',
  },
  {
    title: 'a service account asks to keep an emergency role as standing access',
    requester: 'service/reconciliation',
    entitlement: 'countersign:leases#exempt',
    reason: 'the role works well, we agree to keep it until the next audit',
    friends: ['person/sofia', 'person/oskar'],
    senior: 'person/oskar',
    split: [
      { requester: 'service/reconciliation', entitlement: 'countersign:leases#exempt' },
      { requester: 'person/ines', entitlement: 'countersign:leases#exempt' },
    ],
    safeWay: 'Ask for the access again when it is needed; the approvers answer within the hour.',
  },
  {
    title: 'a deployment bot asks for a network control to be disabled',
    requester: 'bot/deployer',
    entitlement: 'network:egress-policy#disable',
    reason: 'just for this release, the director approves',
    friends: ['person/david', 'person/aiko'],
    senior: 'person/oskar',
    split: [
      { requester: 'bot/deployer', entitlement: 'network:egress-policy#exempt' },
      { requester: 'ci/payments', entitlement: 'network:egress-policy#exempt' },
    ],
    safeWay: 'Ask network engineering for a rule for the exact destination and port.',
  },
];

/** The grounds of a governor who wants a friend to decide. */
export const rerouteToFriend = (friend: PrincipalId) => ({
  reasonCode: 'service-restoration',
  ticket: 'INC-1',
  policyBasis: 'production-write',
  replacement: { replace: 'person/david', with: friend, untilMs: Date.now() + 600_000 },
});
