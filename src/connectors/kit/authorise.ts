import type { Assessment } from '../../domain/assessment';
import type { Evidence } from '../../domain/evidence';
import type { KeyDirectory, Policy } from '../../domain/ports';
import { type Authorisation, proveAuthorised } from '../../domain/prove';
import { accepted } from '../../domain/refusal';
import type { AccessRequest } from '../../domain/request';
import type { CatalogGrant } from '../contract';

const DIGEST = 'sha-256:kit';
/** The same for all, so that the same options make the same request. */
const SUBMITTED_AT_MS = Date.now() - 1_000;

/** What a connector is to be authorised to do. */
export interface AuthorisationOptions {
  /** The id of the request, which is the id of its lease: 8 to 64 letters, digits, `-` and `_`. */
  readonly id: string;
  /** The account on the target that gets the access. */
  readonly account: string;
  /** What the catalog has the connector give. */
  readonly grant: CatalogGrant;
  /** One minute if absent. */
  readonly durationMs?: number;
  readonly emergency?: boolean;
  /** Another reason makes another request of the same id. */
  readonly reason?: string;
  /** `access` if absent. */
  readonly kind?: AccessRequest['kind'];
}

/**
 * Makes a real proof with the real verifier, because connectors accept nothing else. KeyDirectory and policy are stand-ins
 * that agree to everything: a connector sees neither. For tests of connectors only.
 */
export async function authorise(options: AuthorisationOptions): Promise<Authorisation> {
  const { evidence, directory, policy } = permittedCase(options);
  const proof = await proveAuthorised(evidence, Date.now(), directory, policy);
  if (!proof.ok) throw new Error(`${proof.refusal.code}: ${proof.refusal.detail}`);
  return proof.value;
}

/** Evidence that proves, with the stand-ins by which it does. */
export function permittedCase(options: AuthorisationOptions): {
  readonly evidence: Evidence;
  readonly directory: KeyDirectory;
  readonly policy: Policy;
} {
  const request = requestOf(options);
  const assessment = permitted(request, options, Date.now());
  const submission = { request, proof: { format: 'jws' as const, jws: 'a.b.c' } };
  return {
    evidence: { submission, assessment, statements: [] },
    directory: directory(request),
    policy: policy(assessment),
  };
}

const requestOf = (options: AuthorisationOptions): AccessRequest => {
  const { id, durationMs = 60_000, emergency = false, reason = 'contract test', kind = 'access' } = options;
  return {
    id,
    kind,
    requester: 'agent/atlas',
    beneficiary: 'agent/atlas',
    entitlement: { connector: 'warehouse', resource: 'reporting', action: 'read' },
    durationMs,
    emergency,
    reason,
    onBehalfOf: [],
    submittedAtMs: SUBMITTED_AT_MS,
  };
};

function permitted(
  request: AccessRequest,
  { account, grant, emergency }: AuthorisationOptions,
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
    binding: { account, grant },
    determiningPolicies: [],
    policyDigest: DIGEST,
    directoryDigest: DIGEST,
    engineVersion: 'kit',
    facts: {},
    assessedAtMs: nowMs,
  };
}

const policy = (assessment: Assessment): Policy => ({
  digest: DIGEST,
  assess: () => assessment,
  checkReroute: () => Promise.reject(new Error('the kit reroutes nothing')),
});

const directory = ({ requester }: AccessRequest): KeyDirectory => ({
  digest: DIGEST,
  authenticateSubmission: () =>
    Promise.resolve(
      accepted({
        principal: requester,
        keyId: 'k',
        assurance: 'key',
        channel: 'kit',
        directoryDigest: DIGEST,
      }),
    ),
  authenticateStatement: () => Promise.reject(new Error('the kit takes no statements')),
});
