import { TargetUnavailable } from '../database/unavailable';
import { AnswerTooLong, boundedBody, networkCode } from '../outbound/answer';

/** One call of a target that speaks JSON over HTTP. */
export interface JsonCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined if the answer is not JSON. */
  readonly body: unknown;
}

const WITHIN_MS = 4_000;
const ANSWER_BYTES = 4 * 1024 * 1024;
const MESSAGE_CHARACTERS = 300;
/** Statuses that a retry can mend: a time-out, a conflict with another call, too early, too many. */
const PASSING = [408, 409, 425, 429];

/**
 * Calls a target. It has four seconds, and nothing is followed elsewhere.
 *
 * @param who the target in messages, such as `the service`
 * @throws TargetUnavailable without an address or a secret
 */
export async function callJson(who: string, { url, ...call }: JsonCall): Promise<JsonAnswer> {
  try {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const response = await fetch(url, { ...call, redirect: 'manual', signal });
    return {
      status: response.status,
      body: parsed((await boundedBody(response, ANSWER_BYTES)).toString('utf8')),
    };
  } catch (error) {
    if (error instanceof AnswerTooLong)
      throw new TargetUnavailable(`${who} answered with more than ${ANSWER_BYTES} bytes`, undefined, true);
    throw new TargetUnavailable(`${who} cannot be reached${networkCode(error)}`);
  }
}

/** Returns what callers get of a refusal: the status, and the target's own words. Final unless a retry can mend it. */
export function refusalBy(who: string, status: number, said: string): TargetUnavailable {
  const words = said.replace(/\s+/g, ' ').slice(0, MESSAGE_CHARACTERS);
  const isPermanent = status < 500 && !PASSING.includes(status);
  return new TargetUnavailable(`${who} refused: ${status} ${words}`.trimEnd(), undefined, isPermanent);
}

/** Returns the error for an answer that is not what the target's protocol has. */
export const oddAnswer = (who: string, to: string): TargetUnavailable =>
  new TargetUnavailable(`${who} answered ${to} with something else than its protocol has`, undefined, true);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
