import { createHmac, timingSafeEqual } from 'node:crypto';

/** Slack and we may differ by this much; older messages may have been recorded by somebody. */
const REPLAY_WINDOW_MS = 300_000;
const SIGNATURE = /^v0=[0-9a-f]{64}$/;
const SECONDS = /^\d{1,12}$/;

/** A message of Slack as it came: its two headers, and the text whose bytes are signed. */
export interface SignedBody {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: string;
}

/** Returns true if Slack signed exactly this body with the app's secret, in the last five minutes. */
export function isSignedBySlack(
  { timestamp, signature, body }: SignedBody,
  secret: string,
  nowMs: number,
): boolean {
  if (timestamp === undefined || !SECONDS.test(timestamp)) return false;
  if (signature === undefined || !SIGNATURE.test(signature)) return false;
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > REPLAY_WINDOW_MS) return false;
  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest();
  return timingSafeEqual(expected, Buffer.from(signature.slice('v0='.length), 'hex'));
}
