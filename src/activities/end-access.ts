import { ApplicationFailure } from '@temporalio/common';
import { endingOf, type LeaseRecord, leaseOf } from '../connectors/contract';
import { endAccessSchema } from '../contracts/evidence';
import type { EndReason } from '../domain/lease';
import { orAlert } from './alert';
import type { Dependencies } from './dependencies';
import type { Activities, EndAccessResult } from './types';

/** Ends a lease, or bars one that was never given. Needs no proof, because it can only take access away. */
export function endAccessActivity(dependencies: Dependencies): Activities['endAccess'] {
  return async (raw) => {
    const { connector: name, leaseId, reason, end = 'ended' } = endAccessSchema.parse(raw);
    const { ledger, nowMs } = dependencies;
    const connector = dependencies.connector(name);
    if (connector === undefined && reason === 'barred') {
      // A request for a target that does not exist has nothing to bar.
      await ledger.ended(leaseId, end, nowMs());
      return undefined;
    }
    const endIt = async () => {
      // A grant on a target without a connector is retried too, and raises the same alert as any end that fails.
      if (connector === undefined)
        throw ApplicationFailure.retryable(`this worker has no connector ${name}`, 'UnknownConnector');
      const { before, neverGiven } = await connector.revoke(leaseId, reason);
      const earlier = before && earlierEnd(before, reason, nowMs());
      // An act that was interrupted before it gave access is on record as a grant. Take it off, so that it leaves no debt.
      if (neverGiven) await ledger.neverGranted({ request: leaseId, connector: name });
      else await ledger.over(leaseId, earlier?.ending.atMs ?? nowMs());
      // How a request ended can only count against a later one, so any caller is believed.
      if (reason === 'barred') await ledger.ended(leaseId, end, nowMs());
      return earlier;
    };
    return orAlert(endIt, { connector: name, leaseId, end: reason }, nowMs);
  };
}

/** Returns undefined if the request's own order ended the lease: that is not news to the request. */
function earlierEnd(before: LeaseRecord, reason: EndReason, nowMs: number): EndAccessResult | undefined {
  if (before.ended === undefined && reason !== 'barred') return undefined;
  const ending = endingOf(before.ended ?? { atMs: nowMs, reason });
  return { lease: leaseOf(before), ending };
}
