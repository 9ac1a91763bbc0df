import type { Stage } from '../../domain/assessment';
import type { Seat } from './duties';
import type { Said } from './witness';

const STRENGTH = ['channel', 'key', 'phishing-resistant'];

/**
 * Who fills the seats of all stages so that nobody sits twice, or nothing where they cannot be filled.
 *
 * @param privileged a reroute counts only once a second governor has endorsed it
 * @param grantedAtMs approvals must still be alive then
 */
export function seatsFilled(
  stages: readonly Stage[],
  said: readonly Said[],
  privileged: boolean,
  grantedAtMs: number,
): readonly Seat[] | undefined {
  const offers = stages.flatMap((stage) =>
    said
      .filter((one) => canDecide(stage, one) && grantedAtMs < one.exp * 1_000)
      .flatMap((one) =>
        placesOf(stage, one, said, privileged).map((place) => ({
          stage: stage.name,
          by: one.holder?.id ?? '',
          place,
        })),
      ),
  );
  return fill(new Map(stages.map(({ name, quorum }) => [name, quorum])), offers);
}

function canDecide(stage: Stage, { verb, holder }: Said): boolean {
  return (
    verb === 'approve' &&
    holder !== undefined &&
    STRENGTH.indexOf(holder.assurance) >= STRENGTH.indexOf(stage.assurance) &&
    [...stage.groups, ...stage.substituteGroups].some((group) => holder.groups.includes(group))
  );
}

/** The places of original approvers in which someone stood when they approved: their own, or where reroutes lead back to. */
function placesOf(
  stage: Stage,
  approval: Said,
  said: readonly Said[],
  privileged: boolean,
): readonly string[] {
  const before = said.slice(0, said.indexOf(approval));
  const reroutes = before
    .flatMap(({ verb, replacement, jti, heardAtMs }) => {
      if (verb !== 'reroute' || replacement === undefined) return [];
      if (replacement.untilMs <= approval.heardAtMs) return [];
      const endorsement = before.find((other) => other.verb === 'endorse' && other.endorses === jti);
      if (privileged && endorsement === undefined) return [];
      return [{ ...replacement, sinceMs: endorsement?.heardAtMs ?? heardAtMs }];
    })
    .sort((a, b) => a.sinceMs - b.sinceMs);
  const leadBack = (who: string, latest: number): readonly string[] => {
    if (stage.eligible.includes(who)) return [who];
    return reroutes
      .slice(0, latest)
      .flatMap((reroute, index) => (reroute.with === who ? leadBack(reroute.replace, index) : []));
  };
  return leadBack(approval.holder?.id ?? '', reroutes.length);
}

function fill(lacking: ReadonlyMap<string, number>, offers: readonly Seat[]): readonly Seat[] | undefined {
  const next = [...lacking].find(([, quorum]) => quorum > 0);
  if (next === undefined) return [];
  const [name, quorum] = next;
  for (const taken of offers.filter((offer) => offer.stage === name)) {
    const left = offers.filter(
      ({ by, stage, place }) => by !== taken.by && !(stage === taken.stage && place === taken.place),
    );
    const rest = fill(new Map([...lacking, [name, quorum - 1]]), left);
    if (rest !== undefined) return [taken, ...rest];
  }
  return undefined;
}
