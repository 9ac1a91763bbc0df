import {
  type AccessRequest,
  type CountersignClient,
  type RequestView,
  type SigningKey,
  signSubmission,
} from '../../client';
import { CountersignError } from '../../contracts/error';
import { UserError } from '../output';
import { renderRequest } from '../render';
import { type GivenBack, giveBack, signFarewell } from './give-back';
import { type Keeper, startKeeper } from './keeper';
import { sayWaiting } from './waiting';
import type { Seen, Wanted } from './wanted';

/** Where a command asks for access and gives it back: Temporal, or a gateway. */
export interface AccessBackend {
  ask(wanted: Wanted): Promise<void>;
  /** Returns undefined if no worker answers at this moment. */
  look(id: string): Promise<Seen | undefined>;
  giveBack(id: string, withinMs: number): Promise<GivenBack>;
  /** Has a public key signed for as long as the grant lasts. @throws UserError if nobody can sign it here */
  certificate(id: string, publicKey: string): Promise<string>;
  /**
   * Starts the process that gives back in place of this one, and with `whilePid` not before that process has ended. Call
   * before anything is asked for.
   */
  keep(wanted: Wanted, whilePid?: number): Promise<Keeper>;
}

/** Asks Temporal itself, signing with the key of an identity. */
export function byTemporal(client: CountersignClient, principal: string, key: SigningKey): AccessBackend {
  const requests = new Map<string, AccessRequest>();
  const requestOf = ({ id, ...wanted }: Wanted): AccessRequest => {
    const parties = { requester: principal, beneficiary: principal, onBehalfOf: [] };
    const request = requests.get(id) ?? { id, ...wanted, ...parties, submittedAtMs: Date.now() };
    requests.set(id, request);
    return request;
  };
  return {
    ask: async (wanted) => {
      await client.submit(await signSubmission(requestOf(wanted), key));
    },
    look: async (id) => seenIn(await viewOf(client, id)),
    giveBack: async (id, withinMs) => {
      const request = requests.get(id);
      if (request === undefined) return { gone: true, status: 'not there' };
      // Signed again, because a long command may outlast the statements that the keeper has.
      return giveBack(client, id, await signFarewell(request, key), withinMs);
    },
    certificate: () => {
      throw new UserError('SSH certificates are signed by a gateway; give --gateway');
    },
    keep: async (wanted, whilePid) => {
      const { id, durationMs } = wanted;
      const farewell = await signFarewell(requestOf(wanted), key);
      return startKeeper({ id, durationMs, farewell, ...(whilePid !== undefined && { whilePid }) });
    },
  };
}

/** Nothing is derived here: the access itself is what the target gives. So all of it is marked. */
function seenIn(view: RequestView | undefined): Seen | undefined {
  if (view === undefined) return undefined;
  const { status, lease, ending, failure } = view;
  return {
    ...{ status, basis: 'server', lease, ending, failure },
    waiting: `${sayWaiting(view)} (the server says)`,
    about: ['as the server says, which is not proof:', ...renderRequest(view, Date.now())],
  };
}

/** Queries a request. Returns undefined if no worker answers at this moment. */
async function viewOf(client: CountersignClient, id: string): Promise<RequestView | undefined> {
  try {
    return await client.get(id);
  } catch (error) {
    const passes = error instanceof CountersignError && ['NOT_ANSWERING', 'UNREACHABLE'].includes(error.code);
    if (passes) return undefined;
    throw error;
  }
}
