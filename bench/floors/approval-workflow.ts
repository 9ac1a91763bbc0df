import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { SignedApproval } from './signed-approval';

const approveSignal = defineSignal<[SignedApproval]>('approve');

const { verifyAndAct } = proxyActivities<{
  verifyAndAct(id: string, approval: SignedApproval): Promise<boolean>;
}>({ startToCloseTimeout: '10s' });

/**
 * The third floor: what a team writes for one approval in an afternoon. One activity checks one signature by hand and acts. No
 * policy, no conflicts, no record of who may approve, and a statement that does not verify is forgotten.
 */
export async function approval(id: string): Promise<void> {
  const received: SignedApproval[] = [];
  setHandler(approveSignal, (signed) => void received.push(signed));
  for (;;) {
    if (!(await condition(() => received.length > 0, '1 hour'))) return;
    const signed = received.shift();
    if (signed !== undefined && (await verifyAndAct(id, signed))) return;
  }
}
