import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { TargetUnavailable } from '../../database/unavailable';
import { webhookHeaders, webhookSecret } from '../../outbound/standard-webhooks';
import { callJson, refusalBy } from '../json-http';
import { CONTRACT_VERSION, refusalAnswer, type WebhookMessage } from './messages';

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
}

const WHO = 'the service';

/**
 * Sends a signed message (Standard Webhooks) and returns the decoded answer.
 *
 * @throws TargetUnavailable with the service's own words, without an address or a secret
 */
export async function send<T extends z.ZodType>(
  { url, secret }: WebhookSettings,
  message: WebhookMessage,
  answer: T,
): Promise<z.output<T>> {
  const payload = JSON.stringify({ ...message, version: CONTRACT_VERSION });
  const signature = webhookHeaders(webhookSecret(secret), `msg_${randomUUID()}`, payload);
  const headers = { 'content-type': 'application/json', ...signature };
  const { status, body } = await callJson(WHO, { method: 'POST', url, headers, body: payload });
  if (status !== 200) throw refusalBy(WHO, status, refusalAnswer.safeParse(body).data?.error ?? '');
  const read = answer.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new TargetUnavailable(
    `the service answered ${message.type} with something else than the contract has (${issue?.path.join('.') ?? ''})`,
    undefined,
    true,
  );
}
