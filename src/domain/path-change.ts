import { defined } from './defined';
import type { DomainEvent, RerouteRecord, SwitchRecord } from './event';
import type { PrincipalId } from './principal';

/** A change that a reroute asks for. */
export type RequestedChange =
  | { readonly kind: 'replacement'; readonly record: RerouteRecord }
  | { readonly kind: 'switch'; readonly record: SwitchRecord };

/** The phase of a change. Both kinds have the same ones: proposed (if it needs an endorsement), in force, over. */
export interface ChangeProgress {
  readonly phase: 'proposed' | 'in_force' | 'over';
  readonly endorsedBy?: PrincipalId;
}

/** A change of the approval path: a replacement of an approver, or a switch to another path. */
export type PathChange = RequestedChange & ChangeProgress;

/** Returns the replacements among some changes, in the order in which they last changed. */
export const replacementsAmong = (changes: readonly PathChange[]) =>
  changes.filter((change) => change.kind === 'replacement');

/** Returns the switches among some changes, in the order in which they last changed. */
export const switchesAmong = (changes: readonly PathChange[]) =>
  changes.filter((change) => change.kind === 'switch');

/** Replacements first, then switches. Changes that end at the same moment end in this order. */
export const inOrder = (changes: readonly PathChange[]): readonly PathChange[] => [
  ...replacementsAmong(changes),
  ...switchesAmong(changes),
];

/** Returns the event that proposes a change to a second governor. */
export function proposedEvent({ kind, record }: RequestedChange, atMs: number): DomainEvent {
  return kind === 'replacement'
    ? { type: 'reroute_proposed', atMs, reroute: record }
    : { type: 'switch_proposed', atMs, change: record };
}

/** Returns the event that ends a proposal which nobody endorsed in time. */
export function unendorsedEvent({ kind, record: { jti } }: RequestedChange, atMs: number): DomainEvent {
  return { type: kind === 'replacement' ? 'reroute_unendorsed' : 'switch_unendorsed', atMs, jti };
}

/** Returns the event that ends a change in force, which creates `revision` of the path. */
export function lapsedEvent(change: RequestedChange, atMs: number, revision: number): DomainEvent {
  const { jti } = change.record;
  return {
    type: change.kind === 'replacement' ? 'replacement_lapsed' : 'switch_lapsed',
    atMs,
    jti,
    revision,
  };
}

/**
 * Returns the events that put a change into force. A replacement under an emergency condition owes a review (OVR-9). A
 * switch ends the replacements on the path that the request leaves.
 *
 * @param state revision of the path, and its changes so far
 * @param endorsedBy the second governor; absent if none is needed
 */
export function forceEvents(
  { revision, pathChanges }: { readonly revision: number; readonly pathChanges: readonly PathChange[] },
  { kind, record }: RequestedChange,
  atMs: number,
  endorsedBy?: PrincipalId,
): readonly DomainEvent[] {
  const endorsed = defined({ endorsedBy });
  if (kind === 'replacement') {
    const { emergency } = record;
    const rerouted: DomainEvent = {
      type: 'rerouted',
      atMs,
      reroute: record,
      ...endorsed,
      revision: revision + 1,
    };
    if (emergency === undefined) return [rerouted];
    return [rerouted, { type: 'review_owed', atMs, dueAtMs: atMs + emergency.reviewWithinMs }];
  }
  const left = replacementsAmong(pathChanges).filter(({ phase }) => phase === 'in_force');
  return [
    ...left.map((replacement, index) => lapsedEvent(replacement, atMs, revision + index + 1)),
    { type: 'path_switched', atMs, change: record, ...endorsed, revision: revision + left.length + 1 },
  ];
}
