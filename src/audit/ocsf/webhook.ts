import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudEvent } from './cloud-event';

export interface WebhookOptions {
  readonly url: string;
  /** Sent in `authorization`, never logged. */
  readonly token?: string;
  readonly tries?: number;
  readonly pauseMs?: number;
}

const ANSWER_WITHIN_MS = 10_000;

/**
 * Sends events in order, and retries each until the receiver accepts it. So receivers can rely on the order,
 * and detect repeats by the id.
 *
 * @throws Error if the receiver does not accept one; it has accepted all before it
 */
export async function sendToWebhook(
  events: readonly CloudEvent[],
  { url, token, tries = 5, pauseMs = 500 }: WebhookOptions,
): Promise<void> {
  for (const [index, event] of events.entries()) {
    let answer = '';
    for (let attempt = 1; ; attempt += 1) {
      answer = await send(event, url, token);
      if (answer === 'accepted') break;
      // An event that the receiver calls invalid stays invalid, so do not retry it.
      if (attempt >= tries || /^4(?!08|29)\d\d$/.test(answer))
        throw new Error(`event ${index + 1} of ${events.length} was not accepted: ${answer}`);
      await sleep(pauseMs * 2 ** (attempt - 1));
    }
  }
}

async function send(event: CloudEvent, url: string, token: string | undefined): Promise<string> {
  try {
    const { ok, status } = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(event),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return ok ? 'accepted' : String(status);
  } catch {
    return 'the receiver cannot be reached';
  }
}
