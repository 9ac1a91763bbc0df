import { createHmac } from 'node:crypto';

/** Decodes a Standard Webhooks secret: base64, with or without the prefix `whsec_`. */
export function webhookSecret(text: string): Buffer {
  return Buffer.from(text.trim().replace(/^whsec_/, ''), 'base64');
}

/** Returns the symmetric `webhook-signature` of Standard Webhooks 1.0. */
export function webhookSignature(secret: Buffer, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** Returns the headers that tell a receiver who sent a message, when, and whether it got the message before. */
export function webhookHeaders(
  secret: Buffer,
  id: string,
  body: string,
  nowMs = Date.now(),
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': webhookSignature(secret, id, timestamp, body),
  };
}
