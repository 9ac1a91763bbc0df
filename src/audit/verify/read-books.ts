import { type PolicyText, policyDigestOf, readPolicy } from '../evidence/policy';
import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';

/** Policies that were read before, by digest: a verifier of many pieces of evidence need not read them again. */
export type KnownPolicies = Map<string, PolicyText>;

/** The policies in evidence, and what keeps one from being read. */
export function readPolicies(evidence: EvidenceFile, known: KnownPolicies | undefined) {
  const policies: PolicyText[] = [];
  const findings: Finding[] = [];
  for (const [index, { files }] of evidence.policies.entries()) {
    const digest = policyDigestOf(files);
    const earlier = known?.get(digest);
    const read = earlier === undefined ? readPolicy(files) : { ok: true as const, policy: earlier };
    if (!read.ok) {
      findings.push(finding('books', `policies[${index}]`, read.message));
      continue;
    }
    known?.set(digest, read.policy);
    policies.push(read.policy);
  }
  return { policies, findings };
}

/** Steps without the hashes of their events. */
export const plainSteps = ({ steps }: EvidenceFile) =>
  steps.map(({ events, ...rest }) => ({ ...rest, events: events.map(({ event }) => event) }));
