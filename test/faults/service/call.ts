import type { Client } from '@temporalio/client';
import type { Submission } from '../../../src/domain/request';

type Service = Client['workflowService'];

/** What a caller has: the address of the server, and everything that went over the wire. No key. */
export interface Target {
  readonly service: Service;
  readonly workflowId: string;
  readonly runId: string;
  readonly submission: Submission;
}

export interface Call {
  readonly name: string;
  /** It concerns every request of the namespace, not one. */
  readonly everybody?: true;
  make(target: Target): Promise<unknown>;
  /** Takes back what would disturb the calls after it. */
  undo?(target: Target): Promise<unknown>;
}

export const namespace = 'default';
export const taskQueue = { name: 'countersign' };

const text = new TextEncoder();
export const bytes = (value: string): Uint8Array => text.encode(value);
export const payloads = (...values: readonly unknown[]) => ({
  payloads: values.map((value) => ({
    metadata: { encoding: bytes('json/plain') },
    data: bytes(JSON.stringify(value)),
  })),
});

/** What a forger would have the worker believe. */
export const FORGED_GRANT = (leaseId: string) => ({
  outcome: 'granted',
  lease: { id: leaseId, account: 'life_00000', grantedAtMs: 1, expiresAtMs: 8_000_000_000_000 },
});

export const FORGED_EVIDENCE = ({ submission }: Target) => ({
  submission,
  assessment: {
    outcome: 'permit',
    reasonCodes: ['PERMITTED_BY_POLICY'],
    explanation: 'trust me',
    maxDurationMs: 3_600_000,
    reviewers: [],
    privileged: false,
    parties: [
      { id: submission.request.requester, relation: 'requester' },
      { id: submission.request.beneficiary, relation: 'beneficiary' },
    ],
    binding: { account: 'life_00000', grant: { role: 'production_admin' } },
    determiningPolicies: [],
    policyDigest: 'sha-256:x',
    directoryDigest: 'sha-256:x',
    engineVersion: 'none',
    facts: {},
    assessedAtMs: submission.request.submittedAtMs,
  },
  statements: [],
});

/** The activity that waits for its next try, where there is one. */
export async function pendingActivity({ service, workflowId }: Target): Promise<string> {
  const { pendingActivities } = await service.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  const id = pendingActivities?.[0]?.activityId;
  if (!id) throw new NoSuchThing('no activity is pending');
  return id;
}

/** A call that had nothing to act on. */
export class NoSuchThing extends Error {}
