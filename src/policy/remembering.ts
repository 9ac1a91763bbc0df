import type { Assessment } from '../domain/assessment';
import type { Policy } from '../domain/ports';
import type { Ledger, Precedents } from '../domain/precedents';
import type { AccessRequest } from '../domain/request';
import type { BundlePolicy } from './bundle';

/**
 * Policy that puts every request it is asked about on record, and judges it by what is on record of earlier ones. The
 * assessment and the act on a target both ask through this, so neither can be had without leaving a trace (APB-4).
 */
export function remembering(policy: BundlePolicy, ledger: Ledger): RememberingPolicy {
  const past = (request: AccessRequest, atMs: number) => ledger.ask(policy.entryOf(request, atMs));
  return {
    digest: policy.digest,
    assess: async (request, atMs) => policy.assess(request, atMs, await past(request, atMs)),
    assessOnRecord: async (request, atMs) => {
      const precedents = await past(request, atMs);
      return { assessment: policy.assess(request, atMs, precedents), ...toldOf(precedents) };
    },
    rerouteFacts: async (statement, request, atMs) => {
      const precedents = await past(request, atMs);
      return { ...(await policy.rerouteFacts(statement, request, atMs, precedents)), ...toldOf(precedents) };
    },
  };
}

/** Policy that can say what it was told of the past, so that whoever asks it again can tell it the same. */
export interface RememberingPolicy extends Policy {
  assessOnRecord(
    request: AccessRequest,
    atMs: number,
  ): Promise<{ readonly assessment: Assessment; readonly precedents?: Precedents }>;
}

/** A request without a past is the usual one, and its record need not say so. */
function toldOf(precedents: Precedents): { readonly precedents?: Precedents } {
  const { asks, denials, grants } = precedents;
  return asks.length + denials.length + grants.length === 0 ? {} : { precedents };
}
