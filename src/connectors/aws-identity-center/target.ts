import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget } from '../lease-book/target';
import type { Expected, TargetCheck } from '../target-check';
import { tryNames } from '../try-names';
import { type AssignedPrincipal, type Assignment, type AwsSettings, IdentityCenter } from './center';

/** Permission sets on accounts, for users of IAM Identity Center. An assignment has no room for the id of a lease. */
export class PermissionSets implements BookTarget {
  readonly #center: IdentityCenter;

  constructor(settings: AwsSettings) {
    this.#center = new IdentityCenter(settings);
  }

  nameOf({ account, permissionSet }: CatalogGrant): string | undefined {
    return account === undefined || permissionSet === undefined
      ? undefined
      : `${permissionSet} on ${account}`;
  }

  async refuse({ account, grant }: Access): Promise<string | undefined> {
    return (
      (await unknownSet(this.#center, grant)) ??
      ((await this.#center.userId(account)) === undefined ? `there is no user ${account}` : undefined)
    );
  }

  async holds({ account, grant }: Access): Promise<boolean> {
    const userId = await this.#center.userId(account);
    return userId !== undefined && (await this.#isAssigned(assignmentOf(grant), userId));
  }

  async give({ account, grant }: Access): Promise<void> {
    const userId = await this.#center.userId(account);
    // The lease book asks afterwards whether it is so.
    if (userId === undefined || (await this.#isAssigned(assignmentOf(grant), userId))) return;
    await this.#center.assign(assignmentOf(grant), userId);
  }

  async take({ account, grant }: Access): Promise<void> {
    const userId = await this.#center.userId(account);
    if (userId !== undefined && (await this.#isAssigned(assignmentOf(grant), userId)))
      await this.#center.unassign(assignmentOf(grant), userId);
  }

  async holders(grants: readonly CatalogGrant[], accounts: readonly string[]): Promise<readonly Drift[]> {
    // Names of users do not differ by case.
    const known = new Map(accounts.map((account) => [account.toLowerCase(), account]));
    const held: Drift[] = [];
    for (const grant of grants)
      for (const one of await this.#center.holders(assignmentOf(grant))) {
        const name = await this.#nameOfHolder(one);
        held.push({ account: known.get(name.toLowerCase()) ?? name, grant: this.nameOf(grant) ?? '' });
      }
    return held;
  }

  async close(): Promise<void> {
    this.#center.close();
  }

  async #isAssigned(assignment: Assignment, userId: string): Promise<boolean> {
    return (await this.#center.holders(assignment)).some(({ id, isUser }) => isUser && id === userId);
  }

  /** Returns the id itself for a user that is gone. */
  async #nameOfHolder({ id, isUser }: AssignedPrincipal): Promise<string> {
    return isUser ? ((await this.#center.userName(id)) ?? id) : `group ${id}`;
  }
}

/** Checks reach, permission sets and users. Changes nothing, so it cannot say whether the connector may assign. */
export async function checkCenter(
  settings: AwsSettings,
  expected: Expected,
): Promise<readonly TargetCheck[]> {
  const center = new IdentityCenter(settings);
  try {
    return await tryNames(
      {
        // A user that nobody has: it tries the credentials and the identity store.
        reach: async () => {
          await center.userId('countersign-connector-check');
          return undefined;
        },
        reached: `the identity store ${settings.identityStore} answers`,
        nameOf: ({ account, permissionSet }) => `${permissionSet} on ${account}`,
        grant: (grant) => unknownSet(center, grant),
        account: async (account) =>
          (await center.userId(account)) === undefined ? `there is no user ${account}` : undefined,
      },
      expected,
    );
  } finally {
    center.close();
  }
}

async function unknownSet(center: IdentityCenter, grant: CatalogGrant): Promise<string | undefined> {
  const { permissionSet } = assignmentOf(grant);
  return (await center.permissionSet(permissionSet)) === undefined
    ? `there is no permission set ${permissionSet}, or the connector may not see it`
    : undefined;
}

const assignmentOf = ({ account = '', permissionSet = '' }: CatalogGrant): Assignment => ({
  account,
  permissionSet,
});
