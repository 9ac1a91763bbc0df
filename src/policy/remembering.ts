import type { Policy } from '../domain/ports';
import type { Ledger } from '../domain/precedents';
import type { AccessRequest } from '../domain/request';
import type { BundlePolicy } from './bundle';

/**
 * Policy that puts every request it is asked about on record, and judges it by what is on record of earlier ones. The
 * assessment and the act on a target both ask through this, so neither can be had without leaving a trace (APB-4).
 */
export function remembering(policy: BundlePolicy, ledger: Ledger): Policy {
  const past = (request: AccessRequest, atMs: number) => ledger.ask(policy.entryOf(request, atMs));
  return {
    digest: policy.digest,
    assess: async (request, atMs) => policy.assess(request, atMs, await past(request, atMs)),
    rerouteFacts: async (statement, request, atMs) =>
      policy.rerouteFacts(statement, request, atMs, await past(request, atMs)),
  };
}
