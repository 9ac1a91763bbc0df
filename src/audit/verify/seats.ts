import type { ApprovalPath, Stage } from '../../domain/assessment';
import type { Seat } from './duties';
import { assignSeats } from './seat-assignment';
import type { Said } from './witness';

const STRENGTH = ['channel', 'key', 'phishing-resistant'];

/** A path, and since when the request goes by it: what was approved before counts for nothing on it. */
interface PathInForce {
  readonly stages: readonly Stage[];
  readonly sinceMs: number;
}

/** The path in force at a moment: the one that was assessed, or one that governance switched to for a time. */
export function pathInForce(
  assessed: ApprovalPath,
  said: readonly Said[],
  privileged: boolean,
  atMs: number,
): PathInForce {
  let inForce: PathInForce = { stages: assessed.stages, sinceMs: 0 };
  for (const change of changesIn(said, privileged)) {
    const { switchTo, alternative } = change.said;
    if (switchTo === undefined || alternative === undefined || change.sinceMs > atMs) continue;
    inForce =
      atMs < switchTo.untilMs
        ? { stages: alternative.stages, sinceMs: change.sinceMs }
        : { stages: assessed.stages, sinceMs: switchTo.untilMs };
  }
  return inForce;
}

/** Changes of the path that took effect, in that order. One of privileged access waits for a second governor. */
function changesIn(said: readonly Said[], privileged: boolean) {
  return said
    .flatMap((one) => {
      if (one.verb !== 'reroute') return [];
      const endorsement = said.find((other) => other.verb === 'endorse' && other.endorses === one.jti);
      if (privileged && endorsement === undefined) return [];
      return [{ said: one, sinceMs: endorsement?.heardAtMs ?? one.heardAtMs }];
    })
    .sort((a, b) => a.sinceMs - b.sinceMs);
}

/**
 * Who fills the seats of all stages so that nobody sits twice, or nothing where they cannot be filled.
 *
 * @param privileged a reroute counts only once a second governor has endorsed it
 * @param grantedAtMs approvals must still be alive then
 */
export function seatsFilled(
  assessed: ApprovalPath,
  said: readonly Said[],
  privileged: boolean,
  grantedAtMs: number,
): readonly Seat[] | undefined {
  const { stages, sinceMs } = pathInForce(assessed, said, privileged, grantedAtMs);
  const offers = stages.flatMap((stage) =>
    said
      .filter((one) => one.verb === 'approve' && one.heardAtMs >= sinceMs && grantedAtMs < one.exp * 1_000)
      .flatMap((one) =>
        placesOf(stage, one, said, privileged, sinceMs).map((place) => ({
          stage: stage.name,
          by: one.holder?.id ?? '',
          place,
        })),
      ),
  );
  return assignSeats(new Map(stages.map(({ name, quorum }) => [name, quorum])), offers);
}

/** The places of original approvers in which someone could decide: their own, and where reroutes and absences lead to. */
function placesOf(
  stage: Stage,
  approval: Said,
  said: readonly Said[],
  privileged: boolean,
  sinceMs: number,
): readonly string[] {
  const { holder, heardAtMs } = approval;
  if (holder === undefined || STRENGTH.indexOf(holder.assurance) < STRENGTH.indexOf(stage.assurance))
    return [];
  const reroutes = changesIn(said.slice(0, said.indexOf(approval)), privileged).flatMap((change) => {
    const { replacement, emergencyGroups } = change.said;
    if (replacement === undefined || replacement.untilMs <= heardAtMs || change.sinceMs < sinceMs) return [];
    return [{ ...replacement, emergencyGroups }];
  });
  // Reroutes may lead back by many ways; of each reroute it is reckoned once where it leads.
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
