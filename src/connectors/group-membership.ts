import type { CatalogGrant, Drift } from './contract';
import type { Access, BookTarget } from './lease-book/target';
import type { Expected, TargetCheck } from './target-check';
import { tryNames } from './try-names';

/** A directory whose groups have members, both with ids of their own. Every call is idempotent. */
export interface Groups {
  /** Returns the id of a group, or undefined if there is none of this name. */
  findGroup(name: string): Promise<string | undefined>;
  /** Returns the id of an account, or why it can be given nothing. */
  findAccount(name: string): Promise<{ readonly id: string } | { readonly refused: string }>;
  isMember(group: string, account: string): Promise<boolean>;
  add(group: string, account: string): Promise<void>;
  /** Does nothing if the account is no member, or is gone. */
  remove(group: string, account: string): Promise<void>;
  /** Lists the members of a group by their names. */
  members(group: string): Promise<readonly string[]>;
}

/** Membership in groups: `group` of the grant is the group's name. A membership has no room for the id of a lease. */
export class GroupMembership implements BookTarget {
  constructor(private readonly groups: Groups) {}

  nameOf({ group }: CatalogGrant): string | undefined {
    return group;
  }

  async refuse({ account, grantName }: Access): Promise<string | undefined> {
    return (await unknownGroup(this.groups, grantName)) ?? (await unknownAccount(this.groups, account));
  }

  async holds(access: Access): Promise<boolean> {
    const ids = await this.#idsOf(access);
    return ids !== undefined && this.groups.isMember(ids.group, ids.account);
  }

  async give(access: Access): Promise<void> {
    const ids = await this.#idsOf(access);
    // The lease book asks afterwards whether it is so.
    if (ids !== undefined) await this.groups.add(ids.group, ids.account);
  }

  async take(access: Access): Promise<void> {
    const ids = await this.#idsOf(access);
    if (ids !== undefined) await this.groups.remove(ids.group, ids.account);
  }

  async holders(grants: readonly CatalogGrant[], accounts: readonly string[]): Promise<readonly Drift[]> {
    // Neither SCIM nor Keycloak tells names apart by their case.
    const known = new Map(accounts.map((account) => [account.toLowerCase(), account]));
    const held: Drift[] = [];
    for (const { group: grant = '' } of grants) {
      const group = await this.groups.findGroup(grant);
      const members = group === undefined ? [] : await this.groups.members(group);
      held.push(...members.map((name) => ({ account: known.get(name.toLowerCase()) ?? name, grant })));
    }
    return held;
  }

  async close(): Promise<void> {}

  /** Returns undefined if the group or the account is gone, with which the membership is gone as well. */
  async #idsOf({ account, grantName }: Access) {
    const group = await this.groups.findGroup(grantName);
    const found = await this.groups.findAccount(account);
    return group === undefined || 'refused' in found ? undefined : { group, account: found.id };
  }
}

/** Checks reach, groups and accounts of a directory. Changes nothing. */
export const checkGroups = (
  groups: Groups,
  reach: () => Promise<void>,
  reached: string,
  expected: Expected,
): Promise<readonly TargetCheck[]> =>
  tryNames(
    {
      reach: async () => {
        await reach();
        return undefined;
      },
      reached,
      nameOf: ({ group = '' }) => group,
      grant: ({ group = '' }) => unknownGroup(groups, group),
      account: (account) => unknownAccount(groups, account),
    },
    expected,
  );

const unknownGroup = async (groups: Groups, name: string): Promise<string | undefined> =>
  (await groups.findGroup(name)) === undefined
    ? `there is no group ${name}, or the connector may not see it`
    : undefined;

async function unknownAccount(groups: Groups, name: string): Promise<string | undefined> {
  const found = await groups.findAccount(name);
  return 'refused' in found ? found.refused : undefined;
}
