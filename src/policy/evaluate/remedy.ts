import type { Assessment, ReasonCode, Remedy } from '../../domain/assessment';
import { defined } from '../../domain/defined';
import { NO_PRECEDENTS, type Precedents } from '../../domain/precedents';
import type { AccessRequest } from '../../domain/request';
import { assess } from './assess';
import type { PolicyContext } from './policy-context';

/** A placeholder. Policy only looks at whether there is a ticket. */
const SOME_TICKET = 'ANY-1';
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Refusals that a small change of the request may turn into another answer. */
const REMEDIED: readonly ReasonCode[] = ['NO_MATCHING_POLICY', 'DURATION_OVER_LIMIT'];

/** Assesses a request, and says of a refusal what would change the answer. */
export function assessWithRemedy(
  context: PolicyContext,
  request: AccessRequest,
  atMs: number,
  precedents: Precedents = NO_PRECEDENTS,
): Assessment {
  const assessment = assess(context, request, atMs, precedents);
  const [code] = assessment.reasonCodes;
  if (assessment.outcome !== 'refuse' || code === undefined || !REMEDIED.includes(code)) return assessment;
  const letsThrough = (changed: AccessRequest) =>
    ['permit', 'approve'].includes(assess(context, changed, atMs, precedents).outcome);
  const remedy = remedyFor(context, request, letsThrough);
  return remedy === undefined ? assessment : { ...assessment, remedy };
}

/**
 * Finds the smallest change that lets a request through: a ticket, less time, or another one of the beneficiary and those who answer
 * for it asking. A stranger is told nothing, because it would learn what others may have.
 */
function remedyFor(
  { directory }: PolicyContext,
  request: AccessRequest,
  letsThrough: (changed: AccessRequest) => boolean,
): Remedy | undefined {
  const { owner, sponsor } = directory.identity(request.beneficiary) ?? {};
  const relations = { beneficiary: request.beneficiary, owner, sponsor } as const;
  if (request.onBehalfOf.length > 0 || !Object.values(relations).includes(request.requester))
    return undefined;
  const askers = (['beneficiary', 'owner', 'sponsor'] as const).flatMap((relation) => {
    const requester = relations[relation];
    return requester === undefined || requester === request.requester
      ? []
      : [{ askedBy: relation, requester }];
  });
  const tickets = request.ticket === undefined ? [{}, { ticket: SOME_TICKET }] : [{}];
  for (const { askedBy, ...asker } of [{ askedBy: undefined }, ...askers])
    for (const ticket of tickets) {
      const changed = { ...request, ...asker, ...ticket };
      const durationMs = longestOf(changed, letsThrough);
      if (durationMs === undefined) continue;
      const atMostMs = durationMs < request.durationMs ? durationMs : undefined;
      return defined({ ticket: 'ticket' in ticket ? true : undefined, atMostMs, askedBy });
    }
  return undefined;
}

/**
 * Returns the longest duration, up to the one that was asked for, that lets a request through, in whole minutes where it was asked for
 * minutes. Undefined if none does.
 */
function longestOf(
  request: AccessRequest,
  letsThrough: (changed: AccessRequest) => boolean,
): number | undefined {
  const { durationMs } = request;
  if (letsThrough(request)) return durationMs;
  const unitMs = durationMs > MINUTE_MS ? MINUTE_MS : SECOND_MS;
  const lasting = (units: number) => letsThrough({ ...request, durationMs: units * unitMs });
  let [shortest, tooLong] = [1, Math.ceil(durationMs / unitMs)];
  if (tooLong <= shortest || !lasting(shortest)) return undefined;
  while (tooLong - shortest > 1) {
    const middle = Math.floor((shortest + tooLong) / 2);
    if (lasting(middle)) shortest = middle;
    else tooLong = middle;
  }
  return shortest * unitMs;
}
