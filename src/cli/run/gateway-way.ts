import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '../../contracts/error';
import { byToken, GatewayError, Requester, type Standing } from '../../enforcement';
import { printable, UserError } from '../output';
import type { GivenBack } from './give-back';
import { startKeeper } from './keeper';
import { type TokenSource, tokensOf } from './token-source';
import type { AccessWay, Seen } from './way';

const PAUSE_MS = 500;
const ENDED: readonly string[] = ['expired', 'revoked', 'closed'];

/** Through a gateway, as whom an issuer's token names: a CI job needs no key and no way to Temporal. */
export async function byGateway(gateway: string, source: TokenSource): Promise<AccessWay> {
  const requester = await Requester.at({ gateway, voice: byToken(tokensOf(source, gateway)) });
  return {
    ask: async ({ id, entitlement, durationMs, reason, ticket }) => {
      await guarded(() => requester.ask({ id, entitlement, minutes: durationMs / 60_000, reason, ticket }));
    },
    look: async (id) => {
      const standing = await lookAt(requester, id);
      return standing && seenIn(standing);
    },
    giveBack: (id, withinMs) => giveBackAt(requester, id, withinMs),
    keep: async ({ id, durationMs }, whilePid) =>
      startKeeper({ id, durationMs, gateway, source, ...(whilePid !== undefined && { whilePid }) }),
  };
}

/** Ends a request of one's own, and asks until the target has let go of it; settles in `withinMs` at the latest. */
export async function giveBackAt(requester: Requester, id: string, withinMs: number): Promise<GivenBack> {
  const untilMs = Date.now() + withinMs;
  let why = 'no answer';
  do {
    try {
      const standing = await lookAt(requester, id);
      if (standing !== undefined) {
        const { status, ending, barred } = standing;
        if (ENDED.includes(status) || barred === true) return { gone: true, status };
        why = `the request is ${status}`;
        if (ending === undefined) await requester.giveBack(id);
      }
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'NOT_FOUND')
        return { gone: true, status: 'not there' };
      why = error instanceof Error ? error.message : 'it failed';
    }
    await sleep(PAUSE_MS);
  } while (Date.now() < untilMs);
  return { gone: false, why };
}

/** Nothing where the gateway, or what is behind it, does not answer at this moment. */
async function lookAt(requester: Requester, id: string): Promise<Standing | undefined> {
  try {
    return await guarded(() => requester.look(id));
  } catch (error) {
    const passes = error instanceof CountersignError && ['NOT_ANSWERING', 'UNREACHABLE'].includes(error.code);
    if (passes) return undefined;
    throw error;
  }
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CountersignError || error instanceof UserError) throw error;
    if (!(error instanceof GatewayError))
      throw new CountersignError('UNREACHABLE', 'the gateway does not answer; check --gateway', {
        cause: error,
      });
    const { status, message } = error;
    const code =
      status === 404 ? 'NOT_FOUND' : status >= 500 || status === 429 ? 'NOT_ANSWERING' : 'INVALID_REQUEST';
    throw new CountersignError(code, `the gateway: ${message}`, { cause: error });
  }
}

function seenIn(standing: Standing): Seen {
  const { status, account, until, ending } = standing;
  const granted = status === 'active' && account !== undefined && until !== undefined;
  return {
    status,
    ending,
    waiting: sayAwaited(standing),
    about: [...aboutOf(standing)].map(printable),
    lease: granted ? { account, expiresAtMs: Date.parse(until) } : undefined,
  };
}

function sayAwaited({ status, awaiting, stage, waiting_since: since, next }: Standing): string {
  if (status !== 'awaiting_approval' && awaiting.length === 0) return `the request is ${status}`;
  const who = `awaits ${awaiting.join(' or ')}${stage === undefined ? '' : ` (${stage})`}`;
  const parts = [
    since === undefined ? who : `${who} since ${since}`,
    ...(next ? [`next: ${next.what} at ${next.at}`] : []),
  ];
  return printable(parts.join('; '));
}

function* aboutOf({ status, policy, safe_way: safeWay, failure }: Standing): Generator<string> {
  yield `the request is ${status}`;
  if (policy !== undefined) yield `policy: ${policy.explanation}`;
  if (failure !== undefined) yield `${failure.code}: ${failure.detail}`;
  if (safeWay !== undefined) yield `the safe way: ${safeWay}`;
}
