import type { Identity } from '../directory/directory-book';
import type { FileProblem } from '../directory/yaml-file';
import { NO_PRECEDENTS, type Precedents } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { type AccessRequest, entitlementName } from '../domain/request';
import { assess, type PolicyBook } from './assess';
import type { CatalogEntry } from './catalog';
import type { PermitRule } from './policy-rule';

/** What trying everything out has found. */
export interface Exploration {
  readonly problems: readonly FileProblem[];
  readonly tried: number;
  /** False where there was more to try than the limit allows. */
  readonly complete: boolean;
}

const MOST_TRIES = 50_000;
const MINUTE_MS = 60_000;

/**
 * Lets everyone in the directory ask for everything in the catalog, for themselves, for what they answer for and for a
 * stranger, with and without a ticket, an emergency, a past. Finds policies that never decide anything, requests that policy would let
 * through but nobody could approve, and anyone who could decide their own request.
 */
export function explore(book: PolicyBook, everyone: readonly Identity[], atMs: number): Exploration {
  const deciding = new Set<string>();
  const problems = new Map<string, FileProblem>();
  const trials = allRequests(book, everyone, atMs);
  for (const { request, past } of trials) {
    const assessment = assess(book, request, atMs, past);
    for (const id of assessment.determiningPolicies) deciding.add(id);
    for (const message of objectionsTo(request, assessment))
      problems.set(message, { ...placeOf(book, assessment.determiningPolicies), message });
  }
  const complete = trials.length < MOST_TRIES;
  if (complete)
    for (const rule of book.engine.rules.values())
      if (!deciding.has(rule.id))
        problems.set(rule.id, {
          file: rule.file,
          line: rule.line,
          message: `${rule.id} never decides: nobody in the directory can ask so that it would; widen or remove it`,
        });
  return { problems: [...problems.values()], tried: trials.length, complete };
}

interface Trial {
  readonly request: AccessRequest;
  readonly past: Precedents;
}

/** Everything that may be asked, up to the limit. */
function allRequests(book: PolicyBook, everyone: readonly Identity[], atMs: number): readonly Trial[] {
  const trials: Trial[] = [];
  for (const entry of book.catalog.entries()) {
    if (entry.weakens !== undefined) continue;
    for (const { id, owner, sponsor } of everyone) {
      const stranger = everyone.find((one) => ![id, owner, sponsor].includes(one.id));
      const requesters = [id, owner, sponsor, stranger?.id].filter((one) => one !== undefined);
      for (const requester of new Set(requesters))
        trials.push(...circumstances(book, entry, requester, id, atMs));
      if (trials.length >= MOST_TRIES) return trials;
    }
  }
  return trials;
}

/** The circumstances in which the same may be asked: policies may tell them apart. */
function circumstances(
  book: PolicyBook,
  entry: CatalogEntry,
  requester: PrincipalId,
  beneficiary: PrincipalId,
  atMs: number,
): readonly Trial[] {
  const plain: AccessRequest = {
    id: 'exploration',
    kind: entry.kind,
    requester,
    beneficiary,
    entitlement: entry.entitlement,
    ...(entry.kind === 'execution' && AN_ACTION),
    durationMs: MINUTE_MS,
    emergency: false,
    reason: 'what if',
    onBehalfOf: [],
    submittedAtMs: atMs,
  };
  const ticketed = { ...plain, ticket: 'WHAT-IF' };
  const emergencies = [...book.emergencyConditions].map((emergencyCondition) => ({
    ...ticketed,
    emergency: true,
    emergencyCondition,
  }));
  const pasts = [NO_PRECEDENTS, aBadPast(plain, entry, atMs)];
  return pasts.flatMap((past) => [plain, ticketed, ...emergencies].map((request) => ({ request, past })));
}

/** What an exact action has to say of itself before it is judged. */
const AN_ACTION = {
  parameters: { tool: 'what-if', toolVersion: '1', target: 'what-if', arguments: {} },
  containment: 'none is needed',
  rollback: 'none is needed',
};

/** Denied by a control a minute ago, and the last emergency was unjustified. */
function aBadPast(request: AccessRequest, entry: CatalogEntry, atMs: number): Precedents {
  const { requester, beneficiary, entitlement } = request;
  const [control] = entry.guardedBy;
  const grant = {
    request: 'earlier',
    requester,
    beneficiary,
    emergency: true,
    verdict: 'unjustified' as const,
  };
  return {
    asks: [],
    denials: [
      {
        id: 'earlier',
        reportedBy: requester,
        subject: beneficiary,
        resource: `${entitlement.connector}:${entitlement.resource}`,
        ...(control !== undefined && { control }),
        reasonCode: 'WHAT_IF',
        deniedAtMs: atMs - MINUTE_MS,
      },
    ],
    grants: [{ ...grant, grantedAtMs: atMs - MINUTE_MS }],
  };
}

function objectionsTo(
  request: AccessRequest,
  { reasonCodes, explanation, path, parties }: ReturnType<typeof assess>,
): readonly string[] {
  const what = `${entitlementName(request.entitlement)} for ${request.beneficiary}`;
  const objections: string[] = [];
  if (reasonCodes.includes('NOBODY_CAN_APPROVE'))
    objections.push(`${what}: ${explanation}; add people who are not in conflict with it`);
  if (reasonCodes.includes('POLICIES_DISAGREE'))
    objections.push(
      `${what}: ${explanation}; let them demand one path, which has the stages of all, and one confirmation`,
    );
  for (const stage of path?.stages ?? [])
    for (const { id, relation } of parties)
      if (stage.eligible.includes(id) || stage.delegations?.some(({ to }) => to === id))
        objections.push(`${what}: ${id}, its ${relation}, could approve it themselves at ${stage.name}`);
  return objections;
}

function placeOf(
  { engine }: PolicyBook,
  ids: readonly string[],
): { readonly file: string; readonly line: number } {
  const rule = ids
    .map((id) => engine.rules.get(id))
    .find((one): one is PermitRule => one?.effect === 'permit');
  return { file: rule?.file ?? 'paths.yaml', line: rule?.line ?? 1 };
}
