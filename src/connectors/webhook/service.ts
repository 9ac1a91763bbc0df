import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { TargetUnavailable } from '../../database/unavailable';
import { webhookHeaders, webhookSecret } from '../../outbound/standard-webhooks';
import { CONTRACT_VERSION, type Message, refusalAnswer } from './messages';

export interface WebhookSettings {
  readonly url: string;
  readonly secret: string;
}

const WITHIN_MS = 4_000;
const ANSWER_BYTES = 4 * 1024 * 1024;
const MESSAGE_CHARACTERS = 300;
/** Statuses that a retry can mend: a time-out, a conflict with another call, too early, too many. */
const PASSING = [408, 409, 425, 429];

/**
 * Sends a signed message (Standard Webhooks) and returns the decoded answer.
 *
 * @throws TargetUnavailable with the service's own words, without an address or a secret
 */
export async function send<T extends z.ZodType>(
  { url, secret }: WebhookSettings,
  message: Message,
  answer: T,
): Promise<z.output<T>> {
  const { status, body } = await post(url, secret, message);
  if (status !== 200) {
    const said = refusalAnswer.safeParse(body).data?.error ?? '';
    const words = said.replace(/\s+/g, ' ').slice(0, MESSAGE_CHARACTERS);
    const isPermanent = status < 500 && !PASSING.includes(status);
    throw new TargetUnavailable(`the service refused: ${status} ${words}`.trimEnd(), undefined, isPermanent);
  }
  const read = answer.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new TargetUnavailable(
    `the service answered ${message.type} with something else than the contract has (${issue?.path.join('.') ?? ''})`,
    undefined,
    true,
  );
}

async function post(url: string, secret: string, message: Message) {
  const payload = JSON.stringify({ ...message, version: CONTRACT_VERSION });
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(WITHIN_MS),
      body: payload,
      headers: {
        'content-type': 'application/json',
        ...webhookHeaders(webhookSecret(secret), `msg_${randomUUID()}`, payload),
      },
    });
    return { status: response.status, body: parsed(await boundedText(response)) };
  } catch (error) {
    if (error instanceof TargetUnavailable) throw error;
    throw new TargetUnavailable(`the service cannot be reached${reasonOf(error)}`);
  }
}

/** Reads a body up to the limit. A longer one is an error, because half a list would be a wrong list. */
async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES)
      throw new TargetUnavailable(
        `the service answered with more than ${ANSWER_BYTES} bytes`,
        undefined,
        true,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code of a network error, which `fetch` hides in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z_]{2,60}$/.test(code) ? ` (${code})` : '';
}
