import type { Policy } from '../domain/ports';
import type { Ledger } from '../domain/precedents';
import type { BundlePolicy } from './bundle';

/**
 * Policy that puts every request it is asked about on record, and judges it by what is on record of earlier ones. The
 * assessment and the act on a target both ask through this, so neither can be had without leaving a trace (APB-4).
 */
export function remembering(policy: BundlePolicy, ledger: Ledger): Policy {
  return {
    digest: policy.digest,
    assess: async (request, atMs) =>
      policy.assess(request, atMs, await ledger.ask(policy.entryOf(request, atMs))),
    rerouteFacts: (statement, request, atMs) => policy.rerouteFacts(statement, request, atMs),
  };
}
