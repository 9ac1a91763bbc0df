import { replayHistory } from '../../../audit/replay';
import { workflowIdOf } from '../../../contracts/names';
import { builtWorkflowBundle } from '../../../worker';
import type { Demo } from '../demo';

/** Every history of the scenes replays on today's code. */
export async function replays({ cast, client, script }: Demo): Promise<void> {
  script.scene('11  The histories of all of them replay on this code (AUD-1)');
  const bundle = builtWorkflowBundle();
  for (const { id, requester, reason } of cast.asked) {
    const result = await replayHistory(await client.history(id), workflowIdOf(id), bundle);
    script.check(`${requester}: ${reason}`, 'replays', result.ok ? 'replays' : result.message);
  }
}
