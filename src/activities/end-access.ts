import { ApplicationFailure } from '@temporalio/common';
import { endAccessSchema } from '../contracts/evidence';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** Ends a lease, or bars one that was never given. Needs no proof: it can only ever take access away. */
export function endAccessActivity(dependencies: Dependencies): Activities['endAccess'] {
  return async (raw) => {
    const { connector: name, leaseId, reason } = endAccessSchema.parse(raw);
    const connector = dependencies.connector(name);
    if (connector === undefined) {
      // A request for a target that does not exist has nothing to bar; a grant on one that is gone must be retried.
      if (reason === 'barred') return;
      throw ApplicationFailure.retryable(`this worker has no connector ${name}`, 'UnknownConnector');
    }
    await connector.revoke(leaseId, reason);
  };
}
