import type { Assessment, Stage } from '../../../src/domain/assessment';
import type { PrincipalId, Standing } from '../../../src/domain/principal';
import type { AccessRequest } from '../../../src/domain/request';
import { chiefs, DAY, digestFor, MINUTE } from './builders';
import { BENEFICIARY, DELEGATOR, OWNER, REQUESTER, SPONSOR } from './people';
import type { Delivery } from './world';

/*
 * An independent check of whether a grant is justified, from the statements alone. It shares no code with
 * the core and reads none of its state. It is slow and plain on purpose.
 */

export interface Case {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
  /** Statements that the core says it accepted, in the order in which they came. */
  readonly accepted: readonly Delivery[];
  /** The moment of the grant. */
  readonly atMs: number;
}

const PARTIES: readonly PrincipalId[] = [REQUESTER, BENEFICIARY, SPONSOR, OWNER, DELEGATOR];
const GOVERNANCE = ['iam-operations', 'security-operations', 'policy-administrator', 'governance-delegate'];
const STRENGTH = ['channel', 'key', 'phishing-resistant'];

/** Returns the objections to the grant, in words; empty if it is justified. */
export function objections(one: Case): readonly string[] {
  const { request, assessment, accepted } = one;
  const found: string[] = [];
  if (one.atMs < (request.notBeforeMs ?? 0)) found.push('too early');
  if (assessment.outcome !== 'permit' && assessment.outcome !== 'approve')
    found.push(`policy says ${assessment.outcome}`);
  if (!(request.durationMs > 0 && request.durationMs <= assessment.maxDurationMs)) found.push('not bounded');
  const ids = accepted.map(({ facts }) => facts.statement.jti);
  if (new Set(ids).size !== ids.length) found.push('a statement counted twice');
  for (const { facts } of accepted)
    if (facts.statement.digest !== digestFor(request))
      found.push(`${facts.statement.jti} is about something else`);
  if (assessment.confirmation && !accepted.some((delivery) => isConfirmation(one, delivery)))
    found.push('not confirmed');
  if (!isFilled(stagesOf(one), offersOf(one)))
    found.push(
      `only ${offersOf(one)
        .map((offer) => `${offer.by} for ${offer.place} at ${offer.stage}`)
        .join(', ')}`,
    );
  return found;
}

/** Returns how long access may last: what was asked, or the shortest that an approver who counts said. */
export function shortestApproved(one: Case): number {
  const approvals = one.accepted
    .filter(countsNow(one))
    .filter(({ facts, atMs }) => facts.statement.verb === 'approve' && isAlive(one, facts.statement, atMs));
  return Math.min(
    one.request.durationMs,
    ...approvals.map(({ facts }) => facts.statement.durationMs ?? Number.POSITIVE_INFINITY),
  );
}

/** A place that an approval can fill: that of one original approver in one stage. */
interface Offer {
  readonly by: PrincipalId;
  readonly stage: string;
  readonly place: PrincipalId;
}

function offersOf(one: Case): readonly Offer[] {
  return stagesOf(one).flatMap((stage) =>
    one.accepted.filter(countsNow(one)).flatMap((delivery) => {
      const places = isApproval(one, stage, delivery) ? placesOf(one, stage, delivery) : [];
      return places.map((place) => ({ by: delivery.facts.signer.id, stage: stage.name, place }));
    }),
  );
}

/** Returns true if every stage can get its quorum of places when each person fills at most one place. */
function isFilled(stages: readonly Stage[], offers: readonly Offer[]): boolean {
  const lacking = stages.find((stage) => stage.quorum > 0);
  if (lacking === undefined) return true;
  return offers
    .filter((offer) => offer.stage === lacking.name)
    .some((taken) =>
      isFilled(
        stages.map((stage) => (stage === lacking ? { ...stage, quorum: stage.quorum - 1 } : stage)),
        offers.filter(
          ({ by, stage, place }) => by !== taken.by && !(stage === taken.stage && place === taken.place),
        ),
      ),
    );
}

function isApproval(one: Case, stage: Stage, { facts, atMs: heardAtMs }: Delivery): boolean {
  const { accepted, assessment } = one;
  const { statement, signer, assurance, channel } = facts;
  const isRescuer = accepted.some(
    (other) =>
      other.facts.signer.id === signer.id && ['reroute', 'endorse'].includes(other.facts.statement.verb),
  );
  return (
    statement.verb === 'approve' &&
    isAlive(one, facts.statement, heardAtMs) &&
    signer.kind === 'person' &&
    signer.active &&
    !signer.roles.some((role) => GOVERNANCE.includes(role)) &&
    ![...PARTIES, ...assessment.parties.map((party) => party.id)].includes(signer.id) &&
    !isRescuer &&
    STRENGTH.indexOf(assurance) >= STRENGTH.indexOf(stage.assurance) &&
    (assurance !== 'channel' ||
      (stage.assurance === 'channel' && stage.channels?.includes(channel) === true)) &&
    (absentFor(stage, signer).length > 0 ||
      [...stage.groups, ...stage.substituteGroups, ...reachedByEmergency(accepted, signer.id)].some((group) =>
        signer.groups.includes(group),
      ))
  );
}

/** Those whose place someone may take while they are away, by the first assessment and by the current directory. */
const absentFor = ({ delegations = [] }: Stage, { id, standsInFor = [] }: Standing): readonly PrincipalId[] =>
  delegations.filter(({ from, to }) => to === id && standsInFor.includes(from)).map(({ from }) => from);

/** An emergency reroute reaches one more group, for the replacement only. */
const reachedByEmergency = (accepted: readonly Delivery[], id: PrincipalId): readonly string[] =>
  accepted.some(
    ({ facts: { statement } }) =>
      statement.emergencyCondition === 'nobody-answers' && statement.replacement?.with === id,
  )
    ? ['standby']
    : [];

/** Lawful switches of the path: from which statement on they were in force, and until when. */
function switchesIn({ assessment, accepted, atMs }: Case) {
  return accepted.flatMap(({ facts: { statement, signer } }, index) => {
    const { verb, jti, switchTo } = statement;
    const isLawful = verb === 'reroute' && signer.roles.some((role) => GOVERNANCE.includes(role));
    if (!isLawful || switchTo === undefined) return [];
    const endorsed = accepted.findIndex(
      ({ facts }, later) =>
        later > index && facts.statement.endorses === jti && facts.signer.id !== signer.id,
    );
    if (assessment.privileged && endorsed < 0) return [];
    return [
      {
        began: assessment.privileged ? endorsed : index,
        untilMs: switchTo.untilMs,
        isNow: atMs < switchTo.untilMs,
      },
    ];
  });
}

/** The stages to fill: those of the first path, or of the chiefs while a switch is in force. */
function stagesOf(one: Case): readonly Stage[] {
  const stages = one.assessment.path?.stages ?? [];
  return switchesIn(one).some((change) => change.isNow) ? chiefs(stages).stages : stages;
}

/** Statements before a switch, or on a path that was left since, are void. */
const countsNow =
  (one: Case) =>
  (delivery: Delivery, index: number): boolean =>
    switchesIn(one).every(
      ({ began, untilMs, isNow }) => index > began && (isNow || delivery.atMs >= untilMs),
    );

/** True if it was valid when it was received and still is at the grant, by itself and by the path in force then. */
function isAlive(
  one: Case,
  { issuedAtMs, expiresAtMs }: { issuedAtMs: number; expiresAtMs: number },
  heardAtMs: number,
): boolean {
  const isSwitched = switchesIn(one).some((change) => change.isNow);
  const countsForMs = isSwitched ? undefined : one.assessment.path?.approvalsCountForMs;
  const longestMs = one.assessment.path?.approvalsCountForMs === undefined ? DAY : 7 * DAY;
  return (
    issuedAtMs <= heardAtMs + MINUTE &&
    heardAtMs < expiresAtMs &&
    one.atMs < Math.min(expiresAtMs, issuedAtMs + (countsForMs ?? DAY)) &&
    expiresAtMs - issuedAtMs <= longestMs
  );
}

/** The places of original approvers that the reroutes in force lead back to when an approval was received. */
function placesOf(one: Case, stage: Stage, approval: Delivery): readonly PrincipalId[] {
  const reroutes = reroutesInForce(one, approval);
  const leadBack = (who: PrincipalId, latest: number): readonly PrincipalId[] => {
    if (stage.eligible.includes(who)) return [who];
    const absent = absentFor(stage, approval.facts.signer);
    if (who === approval.facts.signer.id && absent.length > 0) return absent;
    return reroutes
      .slice(0, latest)
      .flatMap((reroute, index) => (reroute.with === who ? leadBack(reroute.replace, index) : []));
  };
  return leadBack(approval.facts.signer.id, reroutes.length);
}

/** Lawful reroutes that had begun and not ended, in the order in which they began. */
function reroutesInForce({ assessment, accepted }: Case, approval: Delivery) {
  const before = accepted.slice(0, accepted.indexOf(approval));
  const inForce = before.flatMap(({ facts: { statement, signer }, atMs }, index) => {
    const { verb, jti, replacement } = statement;
    const isLawful = verb === 'reroute' && signer.roles.some((role) => GOVERNANCE.includes(role));
    if (!isLawful || replacement === undefined || replacement.untilMs <= approval.atMs) return [];
    const endorsement = before
      .slice(index)
      .find(({ facts }) => facts.statement.endorses === jti && facts.signer.id !== signer.id);
    if (assessment.privileged && endorsement === undefined) return [];
    return [{ ...replacement, sinceMs: endorsement?.atMs ?? atMs }];
  });
  return inForce.sort((a, b) => a.sinceMs - b.sinceMs);
}

function isConfirmation(one: Case, { facts, atMs: heardAtMs }: Delivery): boolean {
  const { assessment } = one;
  const { statement, signer, channel } = facts;
  return (
    statement.verb === 'confirm' &&
    (assessment.confirmation?.by.includes(signer.id) ?? false) &&
    signer.kind === 'person' &&
    channel !== 'agent-protocol' &&
    isAlive(one, statement, heardAtMs)
  );
}
