import { setTimeout as sleep } from 'node:timers/promises';
import { type AccessRequest, type CountersignClient, type SigningKey, signStatement } from '../../client';
import { CountersignError } from '../../contracts/error';
import type { RequestView } from '../../contracts/snapshot';
import { requestDigest } from '../../domain/digest';
import { UNGRANTED_ENDS } from '../../domain/state';

/** Whoever asked, and what they sign with: nobody else is needed to give access back. */
export interface Holder {
  readonly request: AccessRequest;
  readonly key: SigningKey;
}

export type GivenBack =
  /** The target holds no access from this request, and never will. */
  | { readonly gone: true; readonly status: string }
  /** Not known to be gone. It ends by itself, by the lease at the target. */
  | { readonly gone: false; readonly why: string };

const PAUSE_MS = 300;
const STATEMENT_LIFE_MS = 3_600_000;
const ENDED: readonly string[] = ['expired', 'revoked', 'closed'];

/**
 * Ends a request of one's own, wherever it stands: what is pending is withdrawn, what was given is given back. Asks until
 * the target has let go of it, through servers that are away for a while; settles in `withinMs` at the latest.
 */
export async function giveBack(
  client: CountersignClient,
  holder: Holder,
  withinMs: number,
): Promise<GivenBack> {
  const untilMs = Date.now() + withinMs;
  let why = 'no answer';
  let leftWithServer = false;
  do {
    try {
      const view = await client.get(holder.request.id);
      if (isGone(view)) return { gone: true, status: view.status };
      const verb = verbFor(view);
      why = `the request is ${view.status}`;
      if (verb !== undefined) {
        const verdict = await client.sendStatement(holder.request.id, await sign(holder, verb));
        // Between the look and the statement it may have moved on; whatever else refuses us will go on doing so.
        const { refusal } = verdict;
        if (refusal !== undefined && refusal.code !== 'NOT_NOW')
          return { gone: false, why: `${refusal.code}: ${refusal.detail}` };
      }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      if (error.code === 'NOT_FOUND') return { gone: true, status: 'never submitted' };
      why = `${error.code}: ${error.message}`;
      if (error.code === 'NOT_ANSWERING') leftWithServer ||= await leave(client, holder);
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

function sign({ request, key }: Holder, verb: 'withdraw' | 'revoke') {
  const draft = { verb, request: request.id, digest: requestDigest(request), revision: 0 };
  return signStatement(draft, request.requester, key, { nowMs: Date.now(), lifeMs: STATEMENT_LIFE_MS });
}

/** Leaves both orders with the server: the one whose time it is counts when a worker is back. */
async function leave(client: CountersignClient, holder: Holder): Promise<boolean> {
  try {
    for (const verb of ['withdraw', 'revoke'] as const)
      await client.leaveStatement(holder.request.id, verb, await sign(holder, verb));
    return true;
  } catch {
    return false;
  }
}
