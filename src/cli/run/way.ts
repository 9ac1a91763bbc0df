import {
  type AccessRequest,
  type CountersignClient,
  type RequestView,
  type SigningKey,
  signSubmission,
} from '../../client';
import { CountersignError } from '../../contracts/error';
import { renderRequest } from '../render';
import { type GivenBack, giveBack, signFarewell } from './give-back';
import { type Keeper, startKeeper } from './keeper';
import { sayWaiting } from './waiting';

/** Where a request stands, as far as whoever runs a command has to know it. */
export interface Seen {
  readonly status: string;
  /** Who is awaited, since when, and what time will do next. */
  readonly waiting: string;
  /** What to say of it where it was not granted. */
  readonly about: readonly string[];
  readonly lease?: { readonly account: string; readonly expiresAtMs: number } | undefined;
  readonly ending?: string | undefined;
}

/** What is asked for. By whom is the way's to say. */
export type Wanted = Omit<AccessRequest, 'requester' | 'beneficiary' | 'onBehalfOf' | 'submittedAtMs'>;

/** A way to ask for access and to give it back. */
export interface AccessWay {
  ask(wanted: Wanted): Promise<void>;
  /** Nothing where nobody can answer at this moment. */
  look(id: string): Promise<Seen | undefined>;
  giveBack(id: string, withinMs: number): Promise<GivenBack>;
  /**
   * Starts the process that gives back in place of this one, and with `whilePid` not before that process has ended. Call
   * before anything is asked for.
   */
  keep(wanted: Wanted, whilePid?: number): Promise<Keeper>;
}

/** Straight to Temporal, as an identity with a key. */
export function byTemporal(client: CountersignClient, principal: string, key: SigningKey): AccessWay {
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
      // Signed anew: a long command may have outlived what the keeper has.
      return giveBack(client, id, await signFarewell(request, key), withinMs);
    },
    keep: async (wanted, whilePid) => {
      const { id, durationMs } = wanted;
      const farewell = await signFarewell(requestOf(wanted), key);
      return startKeeper({ id, durationMs, farewell, ...(whilePid !== undefined && { whilePid }) });
    },
  };
}

function seenIn(view: RequestView | undefined): Seen | undefined {
  if (view === undefined) return undefined;
  const { status, lease, ending } = view;
  return { status, lease, ending, waiting: sayWaiting(view), about: renderRequest(view, Date.now()) };
}

/** The request, or nothing where nobody could answer at this moment. */
async function viewOf(client: CountersignClient, id: string): Promise<RequestView | undefined> {
  try {
    return await client.get(id);
  } catch (error) {
    const passes = error instanceof CountersignError && ['NOT_ANSWERING', 'UNREACHABLE'].includes(error.code);
    if (passes) return undefined;
    throw error;
  }
}
