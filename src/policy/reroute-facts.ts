import { GOVERNANCE_ROLES, hasAnyRole, isHuman } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import type { RerouteFacts, Statement } from '../domain/statement';
import { assess, type PolicyBook } from './assess';
import type { TicketSource } from './tickets';

export interface RerouteRules {
  readonly reasons: ReadonlySet<string>;
  readonly ticketPattern: RegExp;
  readonly tickets: TicketSource;
}

/** What current policy says of a reroute: its grounds, and whether the replacement may decide, and what (OVR-4, OVR-6). */
export async function rerouteFacts(
  book: PolicyBook,
  { reasons, ticketPattern, tickets }: RerouteRules,
  { reasonCode, ticket, policyBasis, replacement }: Statement,
  request: AccessRequest,
  atMs: number,
): Promise<RerouteFacts> {
  const candidate = replacement && book.directory.standingOf(replacement.with, atMs);
  const ticketFound = ticket !== undefined && ticketPattern.test(ticket) && (await tickets.exists(ticket));
  return {
    reasonCodeListed: reasonCode !== undefined && reasons.has(reasonCode),
    ticketFound,
    policyBasisListed: policyBasis !== undefined && book.engine.rules.has(policyBasis),
    ...(candidate && { candidate }),
    candidateStages: candidate === undefined ? [] : stagesFor(candidate, book, request, atMs),
  };
}

function stagesFor(
  candidate: NonNullable<RerouteFacts['candidate']>,
  book: PolicyBook,
  request: AccessRequest,
  atMs: number,
): readonly string[] {
  const { path, parties } = assess(book, request, atMs);
  const apart =
    candidate.active &&
    isHuman(candidate) &&
    !hasAnyRole(candidate, GOVERNANCE_ROLES) &&
    !parties.some((party) => party.id === candidate.id);
  if (path === undefined || !apart) return [];
  return path.stages
    .filter((stage) =>
      [...stage.groups, ...stage.substituteGroups].some((group) => candidate.groups.includes(group)),
    )
    .map((stage) => stage.name);
}
