import { digestOf } from '../../domain/digest';
import type { EntitlementPathTally } from '../entitlement-path';
import { type PolicyChange, THRESHOLDS } from './finding';

/** The most identities that one proposal names. */
const NAMED = 16;

/**
 * Returns the policy change by which policy alone permits what people always approved: for the identities seen, up to the
 * longest duration seen, and never after a denial. Several permits combine to the strictest, so the policies that require
 * people today must exempt exactly these requests; the clause does that. Returns undefined if no identity was seen often
 * enough.
 */
export function autoApproval(candidate: EntitlementPathTally): PolicyChange | undefined {
  const seen = [...candidate.beneficiaries].filter(
    ([, { granted }]) => granted >= THRESHOLDS.candidateRequestsEach,
  );
  const [kind, named] = largestKind(seen.map(([id]) => id));
  const parts = /^([\w.-]+:[\w./-]+)#([\w.-]+)$/.exec(candidate.entitlement);
  const [, resource, action] = parts ?? [];
  if (kind === undefined || resource === undefined || action === undefined) return undefined;
  const people = named.sort().slice(0, NAMED);
  const condition = conditionOf(candidate);
  const list = people.map((id) => `${kind}::${text(id)}`).join(', ');
  const add = [
    `@id(${text(idOf(candidate, kind))})`,
    `@title(${text(`Policy alone: ${candidate.granted} of ${candidate.requests} requests by ${candidate.path} were granted, none was in doubt`)})`,
    '@path("policy-alone")',
    `permit (\n  principal is ${kind},\n  action == Action::${text(action)},\n  resource == Resource::${text(resource)}\n)`,
    `when {\n  [${list}].contains(principal) &&\n  ${condition}\n};`,
  ].join('\n');
  const clause = `unless {\n  principal is ${kind} && [${list}].contains(principal) &&\n  action == Action::${text(action)} && resource == Resource::${text(resource)} &&\n  ${condition}\n}`;
  const leftOut = named.length - people.length;
  return {
    ...(leftOut > 0 && { leftOut }),
    add,
    exempt: { policies: [...candidate.policies].sort(), clause },
    preview:
      'countersign friction --json > friction.json; countersign policy preview <folder of the bundle> --proposal friction.json',
  };
}

/** Limits the change to what the evidence covers: durations seen, no emergency, never refused before. */
function conditionOf(candidate: EntitlementPathTally): string {
  return [
    ...(candidate.selfRequested ? ['context.selfRequested'] : []),
    ...(candidate.ticketed ? ['context.hasTicket'] : []),
    `context.durationSeconds <= ${Math.ceil(candidate.longestMs / 1_000)}`,
    '!context.emergency',
    '!context.delegated',
    '!context.deniedBefore',
    'context.timesAsked == 0',
  ].join(' && ');
}

/** A Cedar set holds entities of one type, so the change is for people or for workloads, whichever are more. */
function largestKind(ids: readonly string[]): readonly ['Person' | 'Workload' | undefined, string[]] {
  const people = ids.filter((id) => id.startsWith('person/'));
  const workloads = ids.filter((id) => !id.startsWith('person/'));
  if (ids.length === 0) return [undefined, []];
  return people.length > workloads.length ? ['Person', people] : ['Workload', workloads];
}

/** The id of the policy: readable, and made distinct by a digest, since what is readable can be the same for two proposals. */
function idOf({ entitlement, path }: EntitlementPathTally, kind: string): string {
  const readable = entitlement.replace(/[^\w.-]+/g, '-').slice(0, 80);
  const [, digest = ''] = digestOf([entitlement, path, kind]).split(':');
  return `auto-${readable}-${digest.slice(0, 16)}`;
}

/** Quotes a string for Cedar. The value comes from recorded events, which others wrote, so it must not end the string. */
const text = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}"`;
