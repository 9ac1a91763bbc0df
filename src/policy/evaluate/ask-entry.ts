import { requestDigest } from '../../domain/digest';
import type { AskEntry } from '../../domain/precedents';
import type { AccessRequest } from '../../domain/request';
import { guardsOf } from './bearing';
import { partiesOf } from './eligibility';
import type { PolicyContext } from './policy-context';

/** Returns the record of a request. Precedents count as far back as the longest time span in the bundle. */
export function entryOf(context: PolicyContext, request: AccessRequest, atMs: number): AskEntry {
  const entry = context.catalog.entry(request.entitlement);
  const control = entry?.weakens?.control;
  return {
    request,
    digest: requestDigest(request),
    parties: [...new Set(partiesOf(request, context.directory).map((party) => party.id))],
    ...(control !== undefined && { control }),
    guardedBy: entry === undefined ? [] : guardsOf(entry),
    withinMs: Math.max(context.askingAgain.within, context.emergencies.within),
    atMs,
  };
}
