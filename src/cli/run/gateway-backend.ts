import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '../../contracts/error';
import { sayDecision, sayQuorum } from '../../contracts/progress';
import { GatewayError, Requester, type RequestStanding } from '../../enforcement';
import { printable, UserError } from '../output';
import type { AccessBackend } from './backend';
import type { GivenBack } from './give-back';
import { startKeeper } from './keeper';
import { credentialOf, type TokenSource } from './token-source';
import type { Seen } from './wanted';

const PAUSE_MS = 500;
const ENDED: readonly string[] = ['expired', 'revoked', 'closed'];

/** Asks a gateway, as the identity that an issuer's token names, or with a registered key. Neither needs access to Temporal. */
export async function byGateway(gateway: string, source: TokenSource): Promise<AccessBackend> {
  const requester = await Requester.at({ gateway, credential: await credentialOf(source, gateway) });
  return {
    ask: async ({ id, entitlement, durationMs, reason, ticket }) => {
      await guarded(() => requester.ask({ id, entitlement, minutes: durationMs / 60_000, reason, ticket }));
    },
    look: async (id) => {
      const standing = await lookAt(requester, id);
      return standing && seenIn(standing);
    },
    certificate: (id, publicKey) => guarded(() => requester.sshCertificate(id, publicKey)),
    giveBack: (id, withinMs) => giveBackAt(requester, id, withinMs),
    keep: async ({ id, durationMs }, whilePid) =>
      startKeeper({ id, durationMs, gateway, source, ...(whilePid !== undefined && { whilePid }) }),
  };
}

/** Ends the caller's own request, and retries until the target has ended the access, for at most `withinMs`. */
async function giveBackAt(requester: Requester, id: string, withinMs: number): Promise<GivenBack> {
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

/** Returns undefined if the gateway, or Temporal behind it, does not answer at this moment. */
export async function lookAt(requester: Requester, id: string): Promise<RequestStanding | undefined> {
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

function seenIn(standing: RequestStanding): Seen {
  const { status, account, until, ending, failure, proof } = standing;
  const granted = status === 'active' && account !== undefined && until !== undefined;
  const isDerived = proof?.holds === true;
  const unproved = `the gateway could not prove it${proof?.why === undefined ? '' : `: ${proof.why}`}`;
  return {
    status,
    basis: isDerived ? 'derived' : 'server',
    ending,
    failure,
    waiting: isDerived ? sayAwaited(standing) : `${sayAwaited(standing)} (${printable(unproved)})`,
    about: [...(isDerived ? [] : [unproved]), ...aboutOf(standing)].map(printable),
    lease: granted ? { account, expiresAtMs: Date.parse(until) } : undefined,
  };
}

/** Says in one line who is awaited, since when, and what happens next. */
export function sayAwaited(standing: RequestStanding): string {
  const { status, awaiting, quorum, stage, waiting_since: since, next } = standing;
  if (status !== 'awaiting_approval' && awaiting.length === 0) return `the request is ${status}`;
  const whom = quorum === undefined ? `awaits ${awaiting.join(' or ')}` : sayQuorum(quorum);
  const who = `${whom}${stage === undefined ? '' : ` (${stage})`}`;
  const parts = [
    since === undefined ? who : `${who} since ${since}`,
    ...(next ? [`next: ${next.what} at ${next.at}`] : []),
  ];
  return printable(parts.join('; '));
}

/** Says what became of a request: who decided what and why, what policy says, what failed. */
export function* aboutOf(standing: RequestStanding): Generator<string> {
  const { status, policy, safe_way: safeWay, failure, decisions = [] } = standing;
  yield `the request is ${status}`;
  for (const { at, reason_code: reasonCode, ...rest } of decisions)
    yield sayDecision({ ...rest, atMs: Date.parse(at), reasonCode });
  if (policy !== undefined) yield `policy: ${policy.explanation}`;
  if (policy?.remedy !== undefined) yield `what would change the answer: ${policy.remedy.words}`;
  if (failure !== undefined) yield `${failure.code}: ${failure.detail}`;
  if (safeWay !== undefined) yield `the safe way: ${safeWay}`;
}
