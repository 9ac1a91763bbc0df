import type { OpenGrant } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';

/** What the directory says of one principal: who answers for it, and when it ends. */
export interface Leaver {
  readonly id: PrincipalId;
  readonly owner?: PrincipalId;
  readonly sponsor?: PrincipalId;
  readonly endsAtMs?: number;
}

/** A grant that an end date cuts short, or should have cut short. */
export interface GrantToEnd {
  readonly request: string;
  readonly connector: string;
  /** Its own end, later than the end date. */
  readonly expiresAtMs: number;
  readonly endsAtMs: number;
}

/** A principal near or past its end date, and what ends with it. */
export interface Leaving {
  readonly id: PrincipalId;
  readonly endsAtMs: number;
  readonly over: boolean;
  readonly grants: readonly GrantToEnd[];
  /** Identities it owns or sponsors; they need another owner or sponsor before then. */
  readonly answersFor: readonly PrincipalId[];
}

/**
 * Returns who leaves within `withinMs`, soonest first, with the open grants that end because of it: a grant ends with any
 * of the people and identities it rests on (FRI-7). A principal past its end date is listed only while a grant or an
 * identity still depends on it.
 */
export function leavingWithin(
  principals: readonly Leaver[],
  openGrants: readonly OpenGrant[],
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
): readonly Leaving[] {
  return principals
    .flatMap(({ id, endsAtMs }) => {
      if (endsAtMs === undefined || endsAtMs > nowMs + withinMs) return [];
      const over = endsAtMs <= nowMs;
      const grants = openGrants
        .filter((grant) => grant.parties.includes(id) && grant.expiresAtMs > endsAtMs)
        .map(({ request, connector, expiresAtMs }) => ({
          request,
          connector,
          expiresAtMs,
          endsAtMs: Math.max(endsAtMs, nowMs),
        }))
        .toSorted((a, b) => a.expiresAtMs - b.expiresAtMs);
      const answersFor = principals
        .filter((one) => isThere(one, nowMs) && (one.owner === id || one.sponsor === id))
        .map((one) => one.id)
        .toSorted();
      if (over && grants.length === 0 && answersFor.length === 0) return [];
      return [{ id, endsAtMs, over, grants, answersFor }];
    })
    .toSorted((a, b) => a.endsAtMs - b.endsAtMs || (a.id < b.id ? -1 : 1));
}

const isThere = ({ endsAtMs = Number.POSITIVE_INFINITY }: Leaver, nowMs: number): boolean => endsAtMs > nowMs;
