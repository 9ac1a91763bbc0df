import type { PrincipalId } from '../domain/principal';
import { type Entitlement, entitlementName } from '../domain/request';

/** What a bundle says that figures need: groups of people, and what is in the catalog. */
interface BundleParts {
  readonly directory: {
    standingOf(id: PrincipalId, atMs: number): { readonly groups: readonly string[] } | undefined;
  };
  readonly context: {
    readonly catalog: {
      entries(): readonly { readonly entitlement: Entitlement; readonly weakens?: unknown }[];
    };
  };
}

/** Returns what directory and catalog add to recorded events: the teams of a principal, and what can be granted. */
export const surroundingsOf = ({ directory, context }: BundleParts, nowMs: number) => ({
  teamsOf: (id: PrincipalId): readonly string[] => directory.standingOf(id, nowMs)?.groups ?? [],
  entitlements: context.catalog
    .entries()
    .filter(({ weakens }) => weakens === undefined)
    .map(({ entitlement }) => entitlementName(entitlement)),
});
