import type { History } from '@temporalio/common/lib/proto-utils';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';

export type ReplayResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Runs a history again on today's workflow code. Differences in what the code would do are the finding (AUD-1). */
export async function replayHistory(
  history: History,
  workflowId: string,
  workflowBundle: WorkflowBundleOption,
): Promise<ReplayResult> {
  const histories = [{ workflowId, history }];
  const dataConverter = { payloadConverterPath: require.resolve('../workflows/payload-converter') };
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, histories))
    return error === undefined ? { ok: true } : { ok: false, message: error.message };
  return { ok: false, message: 'there was no history to replay' };
}
