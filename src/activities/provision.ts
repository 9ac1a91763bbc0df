import type { Connector } from '../connectors/contract';
import { evidenceSchema } from '../contracts/evidence';
import { describeIssues } from '../contracts/problem';
import type { GrantEntry } from '../domain/precedents';
import { type Authorisation, type GrantTerms, proveAuthorised } from '../domain/prove';
import type { RefusalCode } from '../domain/refusal';
import type { Dependencies } from './dependencies';
import type { Activities, ProvisionResult } from './types';

/**
 * The act. It believes nothing of its caller: whoever can schedule an activity task can call it with anything, so the
 * evidence is decoded and proved again by today's directory and policy before the target is touched (TTA-5, TTA-6).
 */
export function provisionActivity(dependencies: Dependencies): Activities['provision'] {
  return async (raw) => {
    const evidence = evidenceSchema.safeParse(raw);
    if (!evidence.success) return refusal('MALFORMED', describeIssues(evidence.error, 'evidence'));
    const { directory, policy } = await dependencies.authority();
    const proof = await proveAuthorised(evidence.data, dependencies.nowMs(), directory, policy);
    if (!proof.ok) return { outcome: 'refused', refusal: proof.refusal };
    const name = proof.value.terms.entitlement.connector;
    const connector = dependencies.connector(name);
    if (connector === undefined) return refusal('TARGET_REFUSED', `this worker has no connector ${name}`);
    return grantOnRecord(connector, proof.value, dependencies);
  };
}

/**
 * The grant is on record, with its debt and its parties, before it is made: no crash in between can hide one. It comes off
 * the record only where the target says that there is none and never will be, for another attempt may yet make it. What is
 * left by a refusal of now is taken off by the bar that follows it.
 */
async function grantOnRecord(
  connector: Connector,
  authorisation: Authorisation,
  { ledger, nowMs }: Dependencies,
): Promise<ProvisionResult> {
  const { terms } = authorisation;
  await ledger.granted(entryOf(terms, nowMs()));
  const result = await connector.provision(authorisation);
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
