import { checkSigned } from '../domain/carried-log';
import type { KeyDirectory } from '../domain/ports';
import type { Claim } from './verify-request';

/**
 * Returns why what the server says of a request does not rest on signatures: its submission, and each approval, denial, change of the
 * path, review and report in it. Undefined if it does. Times, policy's answer and what became of the access stay the server's word.
 */
export async function refuseUnsigned(
  { requestId, events }: Claim,
  directory: KeyDirectory,
  nowMs: number,
): Promise<string | undefined> {
  const submission = events.flatMap((one) => (one.type === 'submitted' ? one.submission : []))[0];
  if (submission === undefined) return 'nothing that is signed is in it';
  if (submission.request.id !== requestId) return `it is about another request, ${submission.request.id}`;
  const recognised = await directory.authenticateSubmission(submission, nowMs);
  if (!recognised.ok) return recognised.refusal.detail;
  const checked = await checkSigned(events, submission, nowMs, directory).catch(() => undefined);
  if (checked === undefined) return 'its events contradict each other';
  return checked.ok ? undefined : checked.refusal.detail;
}
