import { createHmac } from 'node:crypto';

/** A Standard Webhooks secret: base64, with or without its `whsec_`. */
export function webhookSecret(text: string): Buffer {
  return Buffer.from(text.trim().replace(/^whsec_/, ''), 'base64');
}

/** `webhook-signature` of Standard Webhooks 1.0, symmetric. */
export function webhookSignature(secret: Buffer, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** The headers by which a receiver knows who sent a message, when, and whether it has had it before. */
export function webhookHeaders(secret: Buffer, id: string, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': webhookSignature(secret, id, timestamp, body),
  };
}
