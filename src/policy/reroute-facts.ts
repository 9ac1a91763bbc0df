import type { ApprovalPath, Stage } from '../domain/assessment';
import type { Precedents } from '../domain/precedents';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId, type Standing } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import type { EmergencyReroute, RerouteFacts, Statement } from '../domain/statement';
import { alternativePath, assess, type PolicyBook } from './assess';
import { bearingOf } from './bearing';
import { deciders, partiesOf } from './eligibility';
import type { EmergencyRerouteRule } from './paths-file';
import type { TicketSource } from './tickets';

export interface RerouteRules {
  readonly reasons: ReadonlySet<string>;
  readonly ticketPattern: Pick<RegExp, 'test'>;
  readonly tickets: TicketSource;
  readonly emergencies: ReadonlyMap<string, EmergencyRerouteRule>;
}

/** One request at one moment, with what went before it. */
interface Question {
  readonly book: PolicyBook;
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly precedents: Precedents | undefined;
}

/** What current policy says of a reroute: its grounds, and who may decide then, and what (OVR-4, OVR-6, OVR-9). */
export async function rerouteFacts(
  question: Question,
  { reasons, ticketPattern, tickets, emergencies }: RerouteRules,
  { reasonCode, ticket, policyBasis, replacement, switchTo, emergencyCondition }: Statement,
): Promise<RerouteFacts> {
  const { book, request, atMs, precedents } = question;
  const candidate = replacement && book.directory.standingOf(replacement.with, atMs);
  const ticketFound = ticket !== undefined && ticketPattern.test(ticket) && (await tickets.exists(ticket));
  const emergency = emergencyOf(question, emergencyCondition, emergencies);
  const { path } = assess(book, request, atMs, precedents);
  const alternative =
    switchTo && path && alternativePath(book, request, atMs, path.name, switchTo.path, precedents);
  return {
    reasonCodeListed: reasonCode !== undefined && reasons.has(reasonCode),
    ticketFound,
    policyBasisListed: policyBasis !== undefined && book.engine.rules.has(policyBasis),
    ...(candidate && { candidate }),
    candidateStages:
      candidate === undefined || replacement === undefined
        ? []
        : stagesFor(candidate, pathsFor(replacement.replace, path, question), emergency, question),
    ...(alternative && { alternative }),
    ...(emergency && { emergency }),
    policyDigest: book.digest,
  };
}

/** The paths that a replacement can be meant for: policy's own, or those it may have been switched to, where it names their people. */
function pathsFor(
  replaced: PrincipalId,
  path: ApprovalPath | undefined,
  { book, request, atMs, precedents }: Question,
): readonly ApprovalPath[] {
  if (path === undefined) return [];
  const asks = (one: ApprovalPath) => one.stages.some((stage) => stage.eligible.includes(replaced));
  const others = (book.paths.get(path.name)?.alternatives ?? [])
    .map((name) => alternativePath(book, request, atMs, path.name, name, precedents))
    .filter((other) => other !== undefined)
    .filter(asks);
  return asks(path) ? [path] : [path, ...others];
}

/** Stages that someone may decide as a replacement. */
function stagesFor(
  candidate: Standing,
  paths: readonly ApprovalPath[],
  emergency: EmergencyReroute | undefined,
  question: Question,
): readonly string[] {
  const { book, request } = question;
  const apart =
    candidate.active &&
    isHuman(candidate) &&
    !hasAnyRole(candidate, GOVERNANCE_ROLES) &&
    !partiesOf(request, book.directory).some((party) => party.id === candidate.id);
  if (!apart || isFreshAfterRefusal(candidate, question)) return [];
  const groupsOf = (stage: Stage) => [
    ...stage.groups,
    ...stage.substituteGroups,
    ...(emergency?.substituteGroups ?? []),
  ];
  return paths
    .flatMap((path) => path.stages)
    .filter((stage) => groupsOf(stage).some((group) => candidate.groups.includes(group)))
    .map((stage) => stage.name);
}

/** After a refusal nobody is put in who was not asked then: a reroute is no way to a fresh approver either (APB-4). */
function isFreshAfterRefusal({ id }: Standing, { book, request, atMs, precedents }: Question): boolean {
  const entry = book.catalog.entry(request.entitlement);
  if (entry === undefined || precedents === undefined) return false;
  const { before, refusedBefore } = bearingOf(precedents, request, entry, book, atMs);
  const asked = before.flatMap((ask) => Object.values(ask.approvers).flat());
  return refusedBefore > 0 && asked.length > 0 && !asked.includes(id);
}

function emergencyOf(
  { book, request, atMs }: Question,
  condition: string | undefined,
  rules: ReadonlyMap<string, EmergencyRerouteRule>,
): EmergencyReroute | undefined {
  const rule = condition === undefined ? undefined : rules.get(condition);
  if (condition === undefined || rule === undefined) return undefined;
  const conflicted = new Set(partiesOf(request, book.directory).map((party) => party.id));
  const reviewers = deciders([book.reviewers], conflicted, book.directory, atMs);
  // An emergency that nobody could review afterwards is none.
  if (reviewers.length === 0) return undefined;
  return { condition, substituteGroups: rule.substitutes, reviewWithinMs: rule.reviewWithin, reviewers };
}
