import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AccessRequest,
  type CountersignClient,
  type SignedEnvelope,
  type SigningKey,
  signStatement,
} from '../../client';
import { CountersignError } from '../../contracts/error';
import type { RequestView } from '../../contracts/snapshot';
import { requestDigest } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { UNGRANTED_ENDS } from '../../domain/status';

/** The two statements that end a request, signed by its requester. */
export interface Farewell {
  readonly withdraw: SignedEnvelope;
  readonly revoke: SignedEnvelope;
}

/** Signs both in advance, so that the keeper needs no key. They can only take access away. */
export async function signFarewell(request: AccessRequest, key: SigningKey): Promise<Farewell> {
  const sign = (verb: 'withdraw' | 'revoke') =>
    signStatement(
      { verb, request: request.id, digest: requestDigest(request), revision: 0 },
      request.requester,
      key,
      { nowMs: Date.now(), lifeMs: LIMITS.statementLifeMs - 60_000 },
    );
  return { withdraw: await sign('withdraw'), revoke: await sign('revoke') };
}

export type GivenBack =
  /** The target has no access from this request, and never will. */
  | { readonly gone: true; readonly status: string }
  /** Nobody confirmed the end. The access ends by itself, because the target has the lease. */
  | { readonly gone: false; readonly why: string };

const PAUSE_MS = 300;
/** The request moved on, or got this statement before. The next query shows which. */
const PASSING: readonly string[] = ['NOT_NOW', 'REPLAYED'];
const ENDED: readonly string[] = ['expired', 'revoked', 'closed'];

/**
 * Ends the caller's own request: withdraws it if it is pending, revokes it if it is granted. Retries for at most `withinMs` until the
 * target has ended the access, also if servers are away for a while.
 */
export async function giveBack(
  client: CountersignClient,
  id: string,
  farewell: Farewell,
  withinMs: number,
): Promise<GivenBack> {
  const untilMs = Date.now() + withinMs;
  let why = 'no answer';
  let leftWithServer = false;
  let seen = false;
  do {
    try {
      const view = await client.get(id);
      seen = true;
      if (isGone(view)) return { gone: true, status: view.status };
      const verb = verbFor(view);
      why = `the request is ${view.status}`;
      if (verb !== undefined) {
        const answer = await client.sendStatement(id, farewell[verb]);
        const { refusal } = answer;
        if (refusal !== undefined && !PASSING.includes(refusal.code))
          return { gone: false, why: `${refusal.code}: ${refusal.detail}` };
      }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      // A request that was there and takes no statements has been ended from outside; its lease may be alive.
      if (error.code === 'NOT_FOUND' && !seen) return { gone: true, status: 'not there' };
      why = `${error.code}: ${error.message}`;
      if (error.code === 'NOT_ANSWERING') leftWithServer ||= await leave(client, id, farewell);
    }
    await sleep(PAUSE_MS);
  } while (Date.now() < untilMs);
  return { gone: false, why: leftWithServer ? `${why}; the order to end it lies with the server` : why };
}

function isGone({ status, barred }: RequestView): boolean {
  if (ENDED.includes(status)) return true;
  return barred === true && (UNGRANTED_ENDS as readonly string[]).includes(status);
}

/** Returns the verb that ends the request now, or undefined while it is ending already. */
function verbFor({ status, ending }: RequestView): 'withdraw' | 'revoke' | undefined {
  if (status === 'active') return ending === undefined ? 'revoke' : undefined;
  return (UNGRANTED_ENDS as readonly string[]).includes(status) ? undefined : 'withdraw';
}

/** Leaves both statements with the server. The one that fits counts when a worker is back. */
async function leave(client: CountersignClient, id: string, farewell: Farewell): Promise<boolean> {
  try {
    for (const verb of ['withdraw', 'revoke'] as const) await client.leaveStatement(id, verb, farewell[verb]);
    return true;
  } catch {
    return false;
  }
}
