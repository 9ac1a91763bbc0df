import type { Assessment } from '../../src/domain/assessment';
import type { Directory, Policy } from '../../src/domain/ports';
import { type Authorisation, type Evidence, proveAuthorised } from '../../src/domain/prove';
import { accepted } from '../../src/domain/refusal';
import type { AccessRequest } from '../../src/domain/request';
import { sampleRequest } from './keyring';

const NOBODY = 'sha-256:test';
/** One moment for all, so that the same options make the same request. */
const SUBMITTED_AT_MS = Date.now() - 1_000;

export interface AuthorisationOptions {
  readonly id: string;
  readonly account: string;
  readonly role: string;
  readonly durationMs?: number;
  readonly emergency?: boolean;
  readonly reason?: string;
}

/**
 * A real proof, made by the real verifier: there is no other way to have one. Only the two ports, behind which lie
 * signatures and policy, are stood in for, since a connector knows nothing of either.
 */
export async function authorise(options: AuthorisationOptions): Promise<Authorisation> {
  const { evidence, directory, policy } = permittedCase(options);
  const proof = await proveAuthorised(evidence, Date.now(), directory, policy);
  if (!proof.ok) throw new Error(`${proof.refusal.code}: ${proof.refusal.detail}`);
  return proof.value;
}

/** Evidence that proves, with the ports by which it does. */
export function permittedCase(options: AuthorisationOptions) {
  const { id, durationMs = 60_000, emergency = false, reason = 'contract test' } = options;
  const request = sampleRequest({ id, durationMs, emergency, reason, submittedAtMs: SUBMITTED_AT_MS });
  const assessment = permitted(request, options, Date.now());
  const submission = { request, proof: { format: 'jws' as const, jws: 'a.b.c' } };
  const evidence: Evidence = { submission, assessment, statements: [] };
  return { evidence, directory: directory(request), policy: policy(assessment) };
}

function permitted(
  request: AccessRequest,
  { account, role, emergency }: AuthorisationOptions,
  nowMs: number,
): Assessment {
  return {
    outcome: 'permit',
    reasonCodes: ['PERMITTED_BY_POLICY'],
    explanation: 'permitted by policy alone',
    maxDurationMs: 3_600_000,
    ...(emergency && { reviewWithinMs: 3_600_000 }),
    reviewers: emergency ? ['person/amara'] : [],
    privileged: false,
    parties: [
      { id: request.requester, relation: 'requester' },
      { id: request.beneficiary, relation: 'beneficiary' },
    ],
    binding: { account, grant: { role } },
    determiningPolicies: [],
    policyDigest: NOBODY,
    directoryDigest: NOBODY,
    engineVersion: 'test',
    facts: {},
    assessedAtMs: nowMs,
  };
}

const policy = (assessment: Assessment): Policy => ({
  digest: NOBODY,
  assess: () => assessment,
  rerouteFacts: () => Promise.reject(new Error('no reroute takes part')),
});

const directory = ({ requester }: AccessRequest): Directory => ({
  digest: NOBODY,
  authenticateSubmission: () =>
    Promise.resolve(
      accepted({
        principal: requester,
        keyId: 'k',
        assurance: 'key',
        channel: 'test',
        directoryDigest: NOBODY,
      }),
    ),
  authenticateStatement: () => Promise.reject(new Error('no statement takes part')),
});
