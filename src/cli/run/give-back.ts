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
import { UNGRANTED_ENDS } from '../../domain/state';

/** The two statements by which one ends a request of one's own, signed by its requester. */
export interface Farewell {
  readonly withdraw: SignedEnvelope;
  readonly revoke: SignedEnvelope;
}

/** Signs both beforehand, so that whoever has to end it later needs no key. All that they can do is take access away. */
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
  /** The target holds no access from this request, and never will. */
  | { readonly gone: true; readonly status: string }
  /** Not known to be gone. It ends by itself, by the lease at the target. */
  | { readonly gone: false; readonly why: string };

const PAUSE_MS = 300;
/** It has moved on, or has heard us already; the next look will tell. */
const PASSING: readonly string[] = ['NOT_NOW', 'REPLAYED'];
const ENDED: readonly string[] = ['expired', 'revoked', 'closed'];

/**
 * Ends a request of one's own, wherever it stands: what is pending is withdrawn, what was given is given back. Asks until
 * the target has let go of it, through servers that are away for a while; settles in `withinMs` at the latest.
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
        const verdict = await client.sendStatement(id, farewell[verb]);
        const { refusal } = verdict;
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

/** The verb whose time it is; none while an end is on its way. */
function verbFor({ status, ending }: RequestView): 'withdraw' | 'revoke' | undefined {
  if (status === 'active') return ending === undefined ? 'revoke' : undefined;
  return (UNGRANTED_ENDS as readonly string[]).includes(status) ? undefined : 'withdraw';
}

/** Leaves both orders with the server: the one whose time it is counts when a worker is back. */
async function leave(client: CountersignClient, id: string, farewell: Farewell): Promise<boolean> {
  try {
    for (const verb of ['withdraw', 'revoke'] as const) await client.leaveStatement(id, verb, farewell[verb]);
    return true;
  } catch {
    return false;
  }
}
