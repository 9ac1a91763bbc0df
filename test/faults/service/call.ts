import type { Client } from '@temporalio/client';
import type { Submission } from '../../../src/domain/request';

type Service = Client['workflowService'];

/** What a caller has: the address of the server, and every message that was sent. No key. */
export interface Target {
  readonly service: Service;
  readonly workflowId: string;
  readonly runId: string;
  readonly submission: Submission;
}

export interface Call {
  readonly name: string;
  /** True if it affects every request of the namespace, not only one. */
  readonly everybody?: true;
  make(target: Target): Promise<unknown>;
  /** Undoes what would disturb later calls. */
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

/** Forged data that the worker must not believe. */
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

/** Returns the activity that waits for its next attempt. */
export async function pendingActivity({ service, workflowId }: Target): Promise<string> {
  const { pendingActivities } = await service.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  const id = pendingActivities?.[0]?.activityId;
  if (!id) throw new NoSuchThing('no activity is pending');
  return id;
}

/** Thrown if a call has nothing to act on. */
export class NoSuchThing extends Error {}
