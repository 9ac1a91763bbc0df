import type { ApprovalPath, Stage } from '../../domain/assessment';
import type { Precedents } from '../../domain/precedents';
import {
  GOVERNANCE_ROLES,
  hasAnyRole,
  isHuman,
  type PrincipalId,
  type Standing,
} from '../../domain/principal';
import type { AccessRequest } from '../../domain/request';
import type { EmergencyReroute, RerouteCheck, Statement } from '../../domain/statement';
import type { EmergencyRerouteRule, TicketRules } from '../load/paths-file';
import type { TicketAnswer, TicketDemands, TicketSource } from '../tickets/ticket';
import { alternativePath, assess } from './assess';
import { bearingOf } from './bearing';
import { deciders, partiesOf } from './eligibility';
import type { PolicyContext } from './policy-context';

export interface RerouteRules {
  readonly reasons: ReadonlySet<string>;
  readonly ticketPattern: Pick<RegExp, 'test'>;
  readonly tickets: TicketSource;
  readonly ticketRules: TicketRules;
  readonly emergencies: ReadonlyMap<string, EmergencyRerouteRule>;
}

/** One request at one moment, with its precedents. */
interface Question {
  readonly context: PolicyContext;
  readonly request: AccessRequest;
  readonly atMs: number;
  readonly precedents: Precedents | undefined;
}

/** Checks a reroute by current policy: its grounds, and what the replacement may decide (OVR-4, OVR-6, OVR-9). */
export async function checkReroute(
  question: Question,
  rules: RerouteRules,
  statement: Statement,
): Promise<RerouteCheck> {
  const { reasons, emergencies } = rules;
  const { reasonCode, policyBasis, replacement, switchTo, emergencyCondition } = statement;
  const { context, request, atMs, precedents } = question;
  const candidate = replacement && context.directory.standingOf(replacement.with, atMs);
  const ticket = await lookUpTicket(statement, request, rules);
  const emergency = emergencyOf(question, emergencyCondition, emergencies);
  const { path } = assess(context, request, atMs, precedents);
  const alternative =
    switchTo && path && alternativePath(context, request, atMs, path.name, switchTo.path, precedents);
  return {
    reasonCodeListed: reasonCode !== undefined && reasons.has(reasonCode),
    ticketFound: ticket.found,
    ...(!ticket.found && ticket.why !== undefined && { ticketProblem: ticket.why }),
    policyBasisListed: policyBasis !== undefined && context.engine.rules.has(policyBasis),
    ...(candidate && { candidate }),
    candidateStages:
      candidate === undefined || replacement === undefined
        ? []
        : stagesFor(candidate, pathsFor(replacement.replace, path, question), emergency, question),
    ...(alternative && { alternative }),
    ...(emergency && { emergency }),
    policyDigest: context.digest,
  };
}

/** @throws TicketSystemAway if nobody can say whether there is such a ticket */
async function lookUpTicket(
  { iss, ticket }: Statement,
  { requester, beneficiary }: AccessRequest,
  { ticketPattern, tickets, ticketRules: { projects, assignee, reporter } }: RerouteRules,
): Promise<TicketAnswer> {
  if (ticket === undefined || !ticketPattern.test(ticket)) return { found: false };
  const who = { signer: iss, requester, beneficiary };
  const demands: TicketDemands = {
    ...(projects && { projects }),
    ...(assignee && { assignee: assignee.map((one) => who[one]) }),
    ...(reporter && { reporter: reporter.map((one) => who[one]) }),
  };
  return tickets.check(ticket, demands);
}

/** Returns the paths that a replacement can be for: policy's own, or alternatives of it that have its people. */
function pathsFor(
  replaced: PrincipalId,
  path: ApprovalPath | undefined,
  { context, request, atMs, precedents }: Question,
): readonly ApprovalPath[] {
  if (path === undefined) return [];
  const asks = (one: ApprovalPath) => one.stages.some((stage) => stage.eligible.includes(replaced));
  const others = (context.paths.get(path.name)?.alternatives ?? [])
    .map((name) => alternativePath(context, request, atMs, path.name, name, precedents))
    .filter((other) => other !== undefined)
    .filter(asks);
  return asks(path) ? [path] : [path, ...others];
}

/** Returns the stages that someone may decide as a replacement. */
function stagesFor(
  candidate: Standing,
  paths: readonly ApprovalPath[],
  emergency: EmergencyReroute | undefined,
  question: Question,
): readonly string[] {
  const { context, request } = question;
  const apart =
    candidate.active &&
    isHuman(candidate) &&
    !hasAnyRole(candidate, GOVERNANCE_ROLES) &&
    !partiesOf(request, context.directory).some((party) => party.id === candidate.id);
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

/** After a refusal, only people who were asked then can be put in, so a reroute cannot bring in a new approver (APB-4). */
function isFreshAfterRefusal({ id }: Standing, { context, request, atMs, precedents }: Question): boolean {
  const entry = context.catalog.entry(request.entitlement);
  if (entry === undefined || precedents === undefined) return false;
  const { before, refusedBefore } = bearingOf(precedents, request, entry, context, atMs);
  const asked = before.flatMap((ask) => Object.values(ask.approvers).flat());
  return refusedBefore > 0 && asked.length > 0 && !asked.includes(id);
}

function emergencyOf(
  { context, request, atMs }: Question,
  condition: string | undefined,
  rules: ReadonlyMap<string, EmergencyRerouteRule>,
): EmergencyReroute | undefined {
  const rule = condition === undefined ? undefined : rules.get(condition);
  if (condition === undefined || rule === undefined) return undefined;
  const conflicted = new Set(partiesOf(request, context.directory).map((party) => party.id));
  const reviewers = deciders([context.reviewers], conflicted, context.directory, atMs);
  // Without someone who can review it afterwards, it does not count as an emergency.
  if (reviewers.length === 0) return undefined;
  return { condition, substituteGroups: rule.substitutes, reviewWithinMs: rule.reviewWithin, reviewers };
}
