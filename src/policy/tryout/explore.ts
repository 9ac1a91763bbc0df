import type { Identity } from '../../directory/directory';
import type { FileProblem } from '../../directory/yaml-file';
import { NO_PRECEDENTS, type Precedents } from '../../domain/precedents';
import type { PrincipalId } from '../../domain/principal';
import { type AccessRequest, type Entitlement, entitlementName } from '../../domain/request';
import { samplesFor } from '../evaluate/arguments-seen';
import { assess } from '../evaluate/assess';
import type { PolicyContext } from '../evaluate/policy-context';
import { combinationsOf } from '../evaluate/presented-properties';
import type { CatalogEntry } from '../load/catalog';
import type { PermitRule } from '../load/policy-rule';

/** The result of trying every possible request. */
export interface Exploration {
  readonly problems: readonly FileProblem[];
  /** What policy would let people ask for and too few people could approve. Each reason is there once for each policy. */
  readonly unapprovable: readonly FileProblem[];
  readonly tried: number;
  /** False if there was more to try than the limit allows. */
  readonly complete: boolean;
  /** For each policy, the actions of the requests that it decided. */
  readonly decided: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whom policy lets have something on a target where they have no account, each target once. */
  readonly withoutAccount: readonly WithoutAccount[];
}

interface WithoutAccount {
  readonly id: PrincipalId;
  readonly entitlement: Entitlement;
}

const MOST_TRIES = 50_000;
const MINUTE_MS = 60_000;

/**
 * Tries a request by everyone in the directory for everything in the catalog: for themselves, for identities they answer
 * for, and for a stranger, with and without a ticket, an emergency and precedents. Finds policies that never decide
 * anything, requests that policy permits but nobody could approve, and people who could decide their own request.
 */
export function explore(context: PolicyContext, everyone: readonly Identity[], atMs: number): Exploration {
  const deciding = new Map<string, Set<string>>();
  const problems = new Map<string, FileProblem>();
  const unapprovable = new Unapprovable();
  const withoutAccount = new Map<string, WithoutAccount>();
  const trials = allRequests(context, everyone, atMs);
  for (const { request, past } of trials) {
    const assessment = assess(context, request, atMs, past);
    note(deciding, request, assessment.determiningPolicies);
    const { beneficiary: id, entitlement } = request;
    if (assessment.reasonCodes.includes('NO_ACCOUNT_ON_TARGET'))
      withoutAccount.set(`${entitlement.connector} ${id}`, { id, entitlement });
    if (assessment.reasonCodes.includes('NOBODY_CAN_APPROVE'))
      unapprovable.note(request, assessment.explanation, placeOf(context, assessment.determiningPolicies));
    for (const message of objectionsTo(request, assessment))
      problems.set(message, { ...placeOf(context, assessment.determiningPolicies), message });
  }
  const complete = trials.length < MOST_TRIES;
  if (complete) {
    tryProperties(context, trials, deciding, atMs);
    tryArguments(context, trials, deciding, atMs);
  }
  if (complete)
    for (const rule of context.engine.rules.values())
      if (!deciding.has(rule.id))
        problems.set(rule.id, {
          file: rule.file,
          line: rule.line,
          message: `${rule.id} never decides: no request by anyone in the directory matches it; widen or remove it`,
        });
  return {
    problems: [...problems.values()],
    unapprovable: unapprovable.warnings(),
    tried: trials.length,
    complete,
    decided: deciding,
    withoutAccount: [...withoutAccount.values()],
  };
}

/**
 * Tries policies that have not decided yet with the properties that they speak of, as an enforcement point presents them. Adds those
 * that decide then to `deciding`.
 */
function tryProperties(
  context: PolicyContext,
  trials: readonly Trial[],
  deciding: Deciding,
  atMs: number,
): void {
  for (const id of context.engine.rules.keys()) {
    const properties = context.engine.reads.presented.get(id) ?? [];
    if (deciding.has(id) || properties.length === 0) continue;
    const combinations = combinationsOf(properties);
    let tries = 0;
    for (const { request, past } of trials) {
      const own = Object.values(context.directory.identity(request.beneficiary)?.attributes ?? {});
      const alike = own.flatMap((value) => combinationsOf(properties.map((one) => ({ ...one, value }))));
      for (const presented of [...combinations, ...alike])
        note(deciding, request, assess(context, { ...request, presented }, atMs, past).determiningPolicies);
      tries += combinations.length;
      if (deciding.has(id) || tries >= MOST_TRIES) break;
    }
  }
}

type Deciding = Map<string, Set<string>>;

function note(deciding: Deciding, { entitlement }: AccessRequest, policies: readonly string[]): void {
  for (const id of policies) deciding.set(id, (deciding.get(id) ?? new Set()).add(entitlement.action));
}

/** Tries policies that look at arguments and have not decided yet with those of every trial's action. */
function tryArguments(
  context: PolicyContext,
  trials: readonly Trial[],
  deciding: Deciding,
  atMs: number,
): void {
  for (const [id, uses] of context.engine.reads.arguments) {
    if (uses.length === 0) continue;
    let tries = 0;
    for (const { request, past } of trials) {
      if (deciding.has(id) || tries >= MOST_TRIES) break;
      const samples = samplesFor(context.engine, request.entitlement.action);
      for (const given of samples) {
        const one = { ...request, ...anAction(given) };
        note(deciding, one, assess(context, one, atMs, past).determiningPolicies);
      }
      tries += samples.length;
    }
  }
}

interface Trial {
  readonly request: AccessRequest;
  readonly past: Precedents;
}

/** Yields every possible request, up to the limit. */
function allRequests(context: PolicyContext, everyone: readonly Identity[], atMs: number): readonly Trial[] {
  const trials: Trial[] = [];
  for (const entry of [...context.catalog.entries(), ...context.catalog.examples()]) {
    if (entry.weakens !== undefined) continue;
    for (const { id, owner, sponsor } of everyone) {
      const stranger = everyone.find((one) => ![id, owner, sponsor].includes(one.id));
      const requesters = [id, owner, sponsor, stranger?.id].filter((one) => one !== undefined);
      for (const requester of new Set(requesters))
        trials.push(...circumstances(context, entry, requester, id, atMs));
      if (trials.length >= MOST_TRIES) return trials;
    }
  }
  return trials;
}

/** The circumstances of a request that policies can distinguish. */
function circumstances(
  context: PolicyContext,
  entry: CatalogEntry,
  requester: PrincipalId,
  beneficiary: PrincipalId,
  atMs: number,
): readonly Trial[] {
  const [ordinary = {}, ...others] = samplesFor(context.engine, entry.entitlement.action);
  const plain: AccessRequest = {
    id: 'exploration',
    kind: entry.kind,
    requester,
    beneficiary,
    entitlement: entry.entitlement,
    ...(entry.kind === 'execution' && anAction(ordinary)),
    durationMs: MINUTE_MS,
    emergency: false,
    reason: 'what if',
    onBehalfOf: [],
    submittedAtMs: atMs,
  };
  const ticketed = { ...plain, ticket: 'WHAT-IF' };
  const emergencies = [...context.emergencyConditions].map((emergencyCondition) => ({
    ...ticketed,
    emergency: true,
    emergencyCondition,
  }));
  const pasts = [NO_PRECEDENTS, aBadPast(plain, entry, atMs)];
  const trials = pasts.flatMap((past) =>
    [plain, ticketed, ...emergencies].map((request) => ({ request, past })),
  );
  // Other arguments are tried for what somebody asks for themselves, so that the number of trials stays within reason.
  if (entry.kind !== 'execution' || requester !== beneficiary) return trials;
  const varied = others.flatMap((given) => [plain, ticketed].map((one) => ({ ...one, ...anAction(given) })));
  return [...trials, ...varied.map((request) => ({ request, past: NO_PRECEDENTS }))];
}

/** The members that an exact action needs before it is assessed. */
const anAction = (given: Readonly<Record<string, unknown>>) => ({
  parameters: { tool: 'what-if', toolVersion: '1', target: 'what-if', arguments: given },
  containment: 'none is needed',
  rollback: 'none is needed',
});

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

type Place = Pick<FileProblem, 'file' | 'line'>;

/** Collects what nobody could approve: one warning for each reason and policy, with one example. */
class Unapprovable {
  readonly #found = new Map<
    string,
    { readonly at: Place; readonly words: string; readonly names: Set<string> }
  >();

  note({ entitlement, beneficiary }: AccessRequest, why: string, at: Place): void {
    const key = JSON.stringify([at, why]);
    const known = this.#found.get(key) ?? { at, words: why, names: new Set<string>() };
    this.#found.set(key, known);
    known.names.add(`${entitlementName(entitlement)} for ${beneficiary}`);
  }

  warnings(): readonly FileProblem[] {
    return [...this.#found.values()].map(({ at, words, names }) => {
      const [first = ''] = names;
      const more = names.size === 1 ? '' : ` (and ${names.size - 1} more)`;
      return { ...at, message: `${first}${more}: ${words}; add people who are not in conflict with it` };
    });
  }
}

function placeOf({ engine }: PolicyContext, ids: readonly string[]): Place {
  const rule = ids
    .map((id) => engine.rules.get(id))
    .find((one): one is PermitRule => one?.effect === 'permit');
  return { file: rule?.file ?? 'paths.yaml', line: rule?.line ?? 1 };
}
