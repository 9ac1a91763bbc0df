import { FailureNote } from './cache';
import { messageOf } from './errors';

const PROBE_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;

export type SdkArtifact = 'cli' | 'temporal-test-server';

/**
 * Returns true if Temporal's download site answers. The SDK's own download has no timeout, so this comes first. A failure
 * counts for six hours.
 */
export async function sdkDownloadReachable(artifact: SdkArtifact, cache: string): Promise<boolean> {
  const note = new FailureNote(cache, `sdk-download-${artifact}`);
  if (note.isFresh()) return false;
  try {
    const answer = await fetch(`https://temporal.download/${artifact}/default?arch=amd64&platform=linux`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    if (answer.ok) return true;
    note.write(`temporal.download answered ${answer.status}`);
  } catch (error) {
    note.write(`temporal.download: ${messageOf(error)}`);
  }
  return false;
}

/**
 * Lets the SDK download the Temporal CLI into a folder. The SDK downloads it only to start a server, so a server is started and
 * stopped at once.
 */
export async function downloadCliWithSdk(folder: string): Promise<void> {
  // Loaded only here, because it loads the whole SDK.
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const started = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  });
  const server = await withTimeout(started, DOWNLOAD_TIMEOUT_MS);
  await server.teardown();
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the download took longer than ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
