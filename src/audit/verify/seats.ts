import type { ApprovalPath, Stage } from '../../domain/assessment';
import type { Seat } from './seat-assignment';
import { assignSeats } from './seat-assignment';
import type { CountedStatement } from './witness';

const STRENGTH = ['channel', 'key', 'phishing-resistant'];

/** A path, and since when it is in force: earlier approvals do not count on it. */
interface PathInForce {
  readonly stages: readonly Stage[];
  readonly sinceMs: number;
  /** How long approvals and confirmations count on it. */
  readonly countsForMs: number;
}

const DAY_MS = 86_400_000;

/** Returns true if an approval or a confirmation still counted at a moment: to its own end, and as long as the path says. */
export const countedAt = (
  { iat, exp }: Pick<CountedStatement, 'iat' | 'exp'>,
  { countsForMs }: Pick<PathInForce, 'countsForMs'>,
  atMs: number,
): boolean => atMs < exp * 1_000 && atMs < iat * 1_000 + countsForMs;

/** Returns the approvals that counted at a moment: those on the path in force. */
export const approvalsAt = (
  assessed: ApprovalPath,
  statements: readonly CountedStatement[],
  privileged: boolean,
  atMs: number,
): readonly CountedStatement[] => {
  const path = pathInForce(assessed, statements, privileged, atMs);
  return statements.filter(
    (one) => one.verb === 'approve' && one.receivedAtMs >= path.sinceMs && countedAt(one, path, atMs),
  );
};

/** Returns the path in force at a moment: the assessed one, or one that governance switched to for a time. */
export function pathInForce(
  assessed: ApprovalPath,
  statements: readonly CountedStatement[],
  privileged: boolean,
  atMs: number,
): PathInForce {
  const on = ({ stages, approvalsCountForMs: countsForMs = DAY_MS }: ApprovalPath, sinceMs: number) => ({
    stages,
    sinceMs,
    countsForMs,
  });
  let inForce: PathInForce = on(assessed, 0);
  for (const change of changesIn(statements, privileged)) {
    const { switchTo, alternative } = change.statement;
    if (switchTo === undefined || alternative === undefined || change.sinceMs > atMs) continue;
    inForce = atMs < switchTo.untilMs ? on(alternative, change.sinceMs) : on(assessed, switchTo.untilMs);
  }
  return inForce;
}

/** Returns the path changes that took effect, in order. For privileged access a second governor must endorse them. */
function changesIn(statements: readonly CountedStatement[], privileged: boolean) {
  return statements
    .flatMap((one) => {
      if (one.verb !== 'reroute') return [];
      const endorsement = statements.find((other) => other.verb === 'endorse' && other.endorses === one.jti);
      if (privileged && endorsement === undefined) return [];
      return [{ statement: one, sinceMs: endorsement?.receivedAtMs ?? one.receivedAtMs }];
    })
    .sort((a, b) => a.sinceMs - b.sinceMs);
}

/**
 * Returns who fills the seats of all stages so that nobody counts twice; undefined if they cannot be filled.
 *
 * @param privileged true if a reroute needs a second governor's endorsement
 * @param grantedAtMs approvals must still be valid then
 */
export function seatsFilled(
  assessed: ApprovalPath,
  statements: readonly CountedStatement[],
  privileged: boolean,
  grantedAtMs: number,
): readonly Seat[] | undefined {
  const { stages, sinceMs } = pathInForce(assessed, statements, privileged, grantedAtMs);
  const approvals = approvalsAt(assessed, statements, privileged, grantedAtMs);
  const offers = stages.flatMap((stage) =>
    approvals.flatMap((one) =>
      placesOf(stage, one, statements, privileged, sinceMs).map((place) => ({
        stage: stage.name,
        by: one.holder?.id ?? '',
        place,
      })),
    ),
  );
  return assignSeats(new Map(stages.map(({ name, quorum }) => [name, quorum])), offers);
}

/** Returns true unless somebody chose in a channel that the stage does not name. */
export const takesChannelOf = (
  { assurance, channels = [] }: Stage,
  holder: Pick<NonNullable<CountedStatement['holder']>, 'assurance' | 'channel'>,
): boolean =>
  holder.assurance !== 'channel' || (assurance === 'channel' && channels.includes(holder.channel));

/** Returns the places of original approvers that someone could fill: their own, and those from reroutes and absences. */
function placesOf(
  stage: Stage,
  approval: CountedStatement,
  statements: readonly CountedStatement[],
  privileged: boolean,
  sinceMs: number,
): readonly string[] {
  const { holder, receivedAtMs } = approval;
  if (holder === undefined || STRENGTH.indexOf(holder.assurance) < STRENGTH.indexOf(stage.assurance))
    return [];
  if (!takesChannelOf(stage, holder)) return [];
  const reroutes = changesIn(statements.slice(0, statements.indexOf(approval)), privileged).flatMap(
    (change) => {
      const { replacement, emergencyGroups } = change.statement;
      if (replacement === undefined || replacement.untilMs <= receivedAtMs || change.sinceMs < sinceMs)
        return [];
      return [{ ...replacement, emergencyGroups }];
    },
  );
  // Reroutes can form many chains, so compute only once for each reroute which places it leads back to.
  const ledTo: ReadonlySet<string>[] = [];
  const leadBack = (who: string, latest: number): readonly string[] => {
    if (stage.eligible.includes(who)) return [who];
    return reroutes
      .slice(0, latest)
      .flatMap((reroute, index) => (reroute.with === who ? [...(ledTo[index] ?? [])] : []));
  };
  for (const [index, { replace }] of reroutes.entries()) ledTo.push(new Set(leadBack(replace, index)));
  const opened = reroutes.flatMap((one) => (one.with === holder.id ? one.emergencyGroups : []));
  const groups = [...stage.groups, ...stage.substituteGroups, ...opened];
  const own = groups.some((group) => holder.groups.includes(group))
    ? leadBack(holder.id, reroutes.length)
    : [];
  const absent = (stage.delegations ?? [])
    .filter(({ from, to }) => to === holder.id && holder.standsInFor.includes(from))
    .map(({ from }) => from);
  return [...new Set([...own, ...absent])];
}
