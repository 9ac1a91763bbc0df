import type { ApprovalPath, Assessment, Stage } from '../../../src/domain/assessment';
import { digestOfText, requestDigest } from '../../../src/domain/digest';
import type { Recognition } from '../../../src/domain/event';
import type { Lease } from '../../../src/domain/lease';
import type { AccessRequest, Submission } from '../../../src/domain/request';
import {
  BENEFICIARY,
  CHIEF_1,
  CHIEF_2,
  DELEGATOR,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  OWNER,
  REQUESTER,
  REVIEWER,
  SECURITY_1,
  SECURITY_2,
  SPONSOR,
} from './people';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The moment at which every test begins. Times in tests count from here. */
export const START = Date.UTC(2026, 0, 5, 9);

export const POLICY_DIGEST = 'sha-256:policy-of-january';
export const DIRECTORY_DIGEST = digestOfText('directory of January');

/** A service asks, through an agent, for two hours of write access to a production ledger. */
export function aRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  return {
    id: 'request-0001',
    kind: 'access',
    requester: REQUESTER,
    beneficiary: BENEFICIARY,
    entitlement: { connector: 'postgres', resource: 'ledger', action: 'write' },
    durationMs: 2 * HOUR,
    emergency: false,
    reason: 'replay the settlements of Friday',
    ticket: 'OPS-17',
    onBehalfOf: [DELEGATOR],
    submittedAtMs: START,
    ...changes,
  };
}

export function anEmergencyRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  return aRequest({ emergency: true, emergencyCondition: 'ledger-down', ...changes });
}

export function aSubmission(request: AccessRequest = aRequest()): Submission {
  return { request, proof: { format: 'jws', jws: 'the.requesters.signature' } };
}

/** The first of two stages: two of three leads. */
export function leads(changes: Partial<Stage> = {}): Stage {
  return {
    name: 'leads',
    eligible: [LEAD_1, LEAD_2, LEAD_3],
    groups: ['leads'],
    substituteGroups: ['substitutes'],
    quorum: 2,
    assurance: 'key',
    remindAfterMs: HOUR,
    escalateAfterMs: 2 * HOUR,
    expireAfterMs: 8 * HOUR,
    ...changes,
  };
}

/** The second of two stages: one of two from security. */
export function security(changes: Partial<Stage> = {}): Stage {
  return leads({
    name: 'security',
    eligible: [SECURITY_1, SECURITY_2],
    groups: ['security'],
    quorum: 1,
    ...changes,
  });
}

/** An alternative path that policy offers: the chiefs, once for each stage. */
export function chiefs(path: readonly Stage[] = [leads()]): ApprovalPath {
  const stages = path.map((stage, index) => ({
    ...leads({ eligible: [CHIEF_1, CHIEF_2], groups: ['chiefs'], substituteGroups: [] }),
    name: `chiefs-${index + 1}`,
    quorum: Math.min(2, stage.quorum),
    assurance: stage.assurance,
  }));
  return { name: 'by-the-chiefs', stages };
}

/** Policy demands approval by these stages, and an endorsement of any reroute if `privileged`. */
export function needsApproval(
  stages: readonly Stage[] = [leads()],
  changes: Partial<Assessment> = {},
): Assessment {
  return {
    outcome: 'approve',
    reasonCodes: ['APPROVAL_NEEDED'],
    explanation: 'two leads decide about writing to the ledger',
    path: { name: 'ledger-write', stages },
    maxDurationMs: 4 * HOUR,
    reviewers: [REVIEWER],
    privileged: false,
    parties: [
      { id: REQUESTER, relation: 'requester' },
      { id: BENEFICIARY, relation: 'beneficiary' },
      { id: SPONSOR, relation: 'sponsor' },
      { id: OWNER, relation: 'owner' },
      { id: DELEGATOR, relation: 'delegator' },
    ],
    binding: { account: 'svc_beneficiary', grant: { role: 'ledger_writer' } },
    determiningPolicies: ['ledger-write'],
    policyDigest: POLICY_DIGEST,
    directoryDigest: DIRECTORY_DIGEST,
    engineVersion: 'test',
    facts: {},
    assessedAtMs: START,
    ...changes,
  };
}

/** Policy alone permits the request. */
export function permitted(changes: Partial<Assessment> = {}): Assessment {
  const { path: _path, ...rest } = needsApproval();
  return { ...rest, outcome: 'permit', reasonCodes: ['PERMITTED_BY_POLICY'], ...changes };
}

/** Policy stops the request before anyone is asked. */
export function stopped(outcome: 'hard_stop' | 'refuse', changes: Partial<Assessment> = {}): Assessment {
  const { path: _path, binding: _binding, ...rest } = needsApproval();
  return { ...rest, outcome, reasonCodes: ['CONTROL_WEAKENING'], ...changes };
}

export const recognition: Recognition = {
  principal: REQUESTER,
  keyId: `key-of-${REQUESTER}`,
  assurance: 'key',
  channel: 'agent-protocol',
  directoryDigest: DIRECTORY_DIGEST,
};

export function aLease(changes: Partial<Lease> = {}): Lease {
  return {
    id: 'request-0001',
    account: 'svc_beneficiary',
    grantedAtMs: START,
    expiresAtMs: START + 2 * HOUR,
    ...changes,
  };
}

const digests = new WeakMap<AccessRequest, string>();

/** The digest of a request, computed once for each. */
export function digestFor(request: AccessRequest): string {
  const digest = digests.get(request) ?? requestDigest(request);
  digests.set(request, digest);
  return digest;
}
