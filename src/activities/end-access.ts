import { ApplicationFailure } from '@temporalio/common';
import { type EndReason, endingOf, type LeaseRecord, leaseOf } from '../connectors/contract';
import { endAccessSchema } from '../contracts/evidence';
import { orAlert } from './alert';
import type { Dependencies } from './dependencies';
import type { Activities, EndAccessResult } from './types';

/** Ends a lease, or bars one that was never given. Needs no proof: it can only ever take access away. */
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
      // A grant on a target that is gone is tried for again, and people are called as for any other that cannot be ended.
      if (connector === undefined)
        throw ApplicationFailure.retryable(`this worker has no connector ${name}`, 'UnknownConnector');
      const { before, neverGiven } = await connector.revoke(leaseId, reason);
      const told = before && tellOf(before, reason, nowMs());
      // An act that was broken off before it gave anything is on record as a grant, and leaves no debt.
      if (neverGiven) await ledger.neverGranted({ request: leaseId, connector: name });
      else await ledger.over(leaseId, told?.ending.atMs ?? nowMs());
      // How it ended can only weigh against a later request, so whoever says it is believed.
      if (reason === 'barred') await ledger.ended(leaseId, end, nowMs());
      return told;
    };
    return orAlert(endIt, { connector: name, leaseId, end: reason }, nowMs);
  };
}

/** A lease that is ended in its time by its own request is no news to it. */
function tellOf(before: LeaseRecord, reason: EndReason, nowMs: number): EndAccessResult | undefined {
  if (before.ended === undefined && reason !== 'barred') return undefined;
  const ending = endingOf(before.ended ?? { atMs: nowMs, reason });
  return { lease: leaseOf(before), ending };
}
