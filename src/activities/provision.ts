import type { Connector } from '../connectors/contract';
import { evidenceSchema } from '../contracts/evidence';
import { describeIssues } from '../contracts/problem';
import type { Evidence } from '../domain/evidence';
import { hasBegun } from '../domain/lasting';
import { LIMITS } from '../domain/limits';
import type { GrantEntry } from '../domain/precedents';
import { type Authorisation, type GrantTerms, proveAuthorised } from '../domain/prove';
import type { RefusalCode } from '../domain/refusal';
import { refusalOf } from './alert';
import type { Dependencies } from './dependencies';
import { refuseCopies } from './signature-counts';
import type { Activities, ProvisionResult } from './types';

/**
 * Gives access. Anyone who can schedule an activity task can call this with anything, so it decodes the evidence and proves
 * it again with today's directory and policy before it touches the target (TTA-5, TTA-6).
 */
export function provisionActivity(dependencies: Dependencies): Activities['provision'] {
  return async (raw) => {
    const evidence = evidenceSchema.safeParse(raw);
    if (!evidence.success) return refusal('MALFORMED', describeIssues(evidence.error, 'evidence'));
    const { directory, policy } = await dependencies.authority();
    const nowMs = dependencies.nowMs();
    const proof = await proveAuthorised(evidence.data, nowMs, directory, policy);
    if (!proof.ok && isAboutToBegin(evidence.data, nowMs)) throw new Error(proof.refusal.detail);
    if (!proof.ok) return { outcome: 'refused', refusal: proof.refusal };
    const name = proof.value.terms.entitlement.connector;
    const connector = dependencies.connector(name);
    if (connector === undefined) return refusal('TARGET_REFUSED', `this worker has no connector ${name}`);
    const copied = await refuseCopies(evidence.data, dependencies.ledger, nowMs).catch((error: unknown) =>
      refusalOf(error, 'the ledger', { leaseId: proof.value.terms.leaseId }),
    );
    if (copied !== undefined) return { outcome: 'refused', refusal: copied };
    return grantOnRecord(connector, proof.value, dependencies);
  };
}

/** The server's clock, by which the workflow comes here, may be a little ahead of ours. The act is then tried again. */
const isAboutToBegin = ({ submission: { request } }: Evidence, nowMs: number): boolean =>
  !hasBegun(request, nowMs) && hasBegun(request, nowMs + LIMITS.clockSkewMs);

/**
 * Records the grant, with its review and parties, before making it, so that no crash in between can hide one. The record is
 * deleted only if the target says that there is no grant and never will be, because another attempt may still make it. What
 * a refusal leaves on record is deleted by the bar that follows.
 */
async function grantOnRecord(
  connector: Connector,
  authorisation: Authorisation,
  { ledger, nowMs }: Dependencies,
): Promise<ProvisionResult> {
  const { terms } = authorisation;
  const { leaseId } = terms;
  const name = terms.entitlement.connector;
  try {
    await ledger.granted(entryOf(terms, nowMs()));
  } catch (error) {
    return { outcome: 'refused', refusal: refusalOf(error, 'the ledger', { leaseId }) };
  }
  const result = await connector.provision(authorisation).catch((error: unknown) => ({
    outcome: 'refused' as const,
    neverGiven: undefined,
    refusal: refusalOf(error, `the target ${name}`, { connector: name, leaseId }),
  }));
  if (result.outcome !== 'refused') return { ...result, ...debtOf(terms) };
  if (result.neverGiven) await ledger.neverGranted({ digest: terms.requestDigest });
  return { outcome: 'refused', refusal: result.refusal };
}

const debtOf = ({ reviewDueAtMs, reviewers }: GrantTerms) =>
  reviewDueAtMs === undefined ? {} : { review: { dueAtMs: reviewDueAtMs, reviewers } };

function entryOf(terms: GrantTerms, grantedAtMs: number): GrantEntry {
  const { reviewDueAtMs } = terms;
  return {
    digest: terms.requestDigest,
    request: terms.leaseId,
    connector: terms.entitlement.connector,
    emergency: terms.emergency,
    requester: terms.requester,
    beneficiary: terms.beneficiary,
    parties: terms.parties,
    participants: terms.participants,
    reviewers: terms.reviewers,
    ...(reviewDueAtMs !== undefined && { reviewDueAtMs }),
    grantedAtMs,
    expiresAtMs: grantedAtMs + terms.durationMs,
  };
}

const refusal = (code: RefusalCode, detail: string): ProvisionResult => ({
  outcome: 'refused',
  refusal: { code, detail },
});
