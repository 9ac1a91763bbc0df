import { createPublicKey } from 'node:crypto';
import type { WorkerOptions } from '@temporalio/worker';
import type { SideName } from '../side';
import { approverKey, approves, type SignedApproval } from './signed-approval';

/** Returns the activities of a floor's worker. Each calls `report` when it has done what stands for giving access. */
export function floorActivities(
  side: SideName,
  stateDir: string,
  report: (id: string) => void,
): NonNullable<WorkerOptions['activities']> {
  if (side !== 'approval') return { act: async (id: string) => report(id) };
  const key = createPublicKey(approverKey(stateDir));
  return {
    verifyAndAct: async (id: string, signed: SignedApproval) => {
      if (!approves(signed, id, key)) return false;
      report(id);
      return true;
    },
  };
}
