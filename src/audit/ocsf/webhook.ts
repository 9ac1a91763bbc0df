import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudEvent } from './cloud-event';

export interface WebhookOptions {
  readonly url: string;
  /** Goes into `authorization`. It is never logged. */
  readonly token?: string;
  readonly tries?: number;
  readonly pauseMs?: number;
}

const ANSWER_WITHIN_MS = 10_000;

/**
 * Sends events one after the other, in their order, each until it is taken: whoever receives them can rely on the order,
 * and tells what came twice by its id.
 *
 * @throws Error where one is not taken; those before it were
 */
export async function sendToWebhook(
  events: readonly CloudEvent[],
  { url, token, tries = 5, pauseMs = 500 }: WebhookOptions,
): Promise<void> {
  for (const [index, event] of events.entries()) {
    let answer = '';
    for (let attempt = 1; ; attempt += 1) {
      answer = await send(event, url, token);
      if (answer === 'taken') break;
      // What the receiver says is wrong does not become right by saying it again.
      if (attempt >= tries || /^4(?!08|29)\d\d$/.test(answer))
        throw new Error(`event ${index + 1} of ${events.length} was not taken: ${answer}`);
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
    return ok ? 'taken' : String(status);
  } catch {
    return 'the receiver cannot be reached';
  }
}
