import { ApplicationFailure } from '@temporalio/common';
import { endAccessSchema } from '../contracts/evidence';
import { orAlert } from './alert';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** Ends a lease, or bars one that was never given. Needs no proof: it can only ever take access away. */
export function endAccessActivity(dependencies: Dependencies): Activities['endAccess'] {
  return async (raw) => {
    const { connector: name, leaseId, reason, end = 'ended' } = endAccessSchema.parse(raw);
    const { ledger } = dependencies;
    const connector = dependencies.connector(name);
    if (connector === undefined) {
      // A request for a target that does not exist has nothing to bar; a grant on one that is gone must be retried.
      if (reason === 'barred') return ledger.ended(leaseId, end, dependencies.nowMs());
      throw ApplicationFailure.retryable(`this worker has no connector ${name}`, 'UnknownConnector');
    }
    const endIt = async () => {
      const { neverGiven } = await connector.revoke(leaseId, reason);
      // An act that was broken off before it gave anything is on record as a grant, and leaves no debt.
      if (neverGiven) await ledger.neverGranted({ request: leaseId, connector: name });
      else await ledger.over(leaseId, dependencies.nowMs());
      // How it ended can only weigh against a later request, so whoever says it is believed.
      if (reason === 'barred') await ledger.ended(leaseId, end, dependencies.nowMs());
    };
    await orAlert(endIt, { connector: name, leaseId, end: reason }, dependencies.nowMs);
  };
}
