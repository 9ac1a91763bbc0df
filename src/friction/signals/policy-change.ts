import type { LaneTally } from '../lane';
import { type PolicyChange, THRESHOLDS } from './finding';

/** Identities that one proposal names. */
const NAMED = 16;

/**
 * The change that would have policy alone let through what people have always let through: for the identities that
 * were seen, for the durations that were seen, and never after a denial. Several permits combine to the strictest, so
 * that the policies that demand people now have to let go of exactly these requests; the clause says of which.
 */
export function autoApproval(lane: LaneTally): PolicyChange | undefined {
  const seen = [...lane.travellers].filter(([, { granted }]) => granted >= THRESHOLDS.candidateRequestsEach);
  const [kind, named] = largestKind(seen.map(([id]) => id));
  const parts = /^([\w.-]+:[\w./-]+)#([\w.-]+)$/.exec(lane.entitlement);
  const [, resource, action] = parts ?? [];
  if (kind === undefined || resource === undefined || action === undefined) return undefined;
  const people = named.slice(0, NAMED).sort();
  const condition = conditionOf(lane);
  const list = people.map((id) => `${kind}::${text(id)}`).join(', ');
  const add = [
    `@id(${text(idOf(lane.entitlement))})`,
    `@title(${text(`Policy alone: ${lane.granted} of ${lane.requests} requests by ${lane.path} were granted, none was in doubt`)})`,
    '@path("policy-alone")',
    `permit (\n  principal is ${kind},\n  action == Action::${text(action)},\n  resource == Resource::${text(resource)}\n)`,
    `when {\n  [${list}].contains(principal) &&\n  ${condition}\n};`,
  ].join('\n');
  const clause = `unless {\n  principal is ${kind} && [${list}].contains(principal) &&\n  action == Action::${text(action)} && resource == Resource::${text(resource)} &&\n  ${condition}\n}`;
  return {
    add,
    exempt: { policies: [...lane.policies].sort(), clause },
    preview:
      'countersign friction --json > friction.json; countersign policy preview <folder of the bundle> --proposal friction.json',
  };
}

/** Only what the evidence bears out: seen durations, in the ordinary way, never before refused. */
function conditionOf(lane: LaneTally): string {
  return [
    ...(lane.selfRequested ? ['context.selfRequested'] : []),
    ...(lane.ticketed ? ['context.hasTicket'] : []),
    `context.durationSeconds <= ${Math.ceil(lane.longestMs / 1_000)}`,
    '!context.emergency',
    '!context.delegated',
    '!context.deniedBefore',
    'context.timesAsked == 0',
  ].join(' && ');
}

/** A set in Cedar holds entities of one type; people and workloads are two. */
function largestKind(ids: readonly string[]): readonly ['Person' | 'Workload' | undefined, string[]] {
  const people = ids.filter((id) => id.startsWith('person/'));
  const workloads = ids.filter((id) => !id.startsWith('person/'));
  if (ids.length === 0) return [undefined, []];
  return people.length > workloads.length ? ['Person', people] : ['Workload', workloads];
}

const idOf = (entitlement: string): string =>
  `auto-${entitlement.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 100)}`;

/** A string in Cedar. What goes in comes from recorded events, which others have written. */
const text = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}"`;
