import { randomUUID } from 'node:crypto';
import { type Client, InsufficientAccessError } from 'ldapts';
import type { CatalogGrant } from '../contract';
import type { Expected, TargetCheck } from '../target-check';
import { entryAt, type LdapSettings, withDirectory } from './directory';
import { attributeOf, changeOf, groupOf, refusalOf } from './target';

/** Checks reach, names and rights of a directory. Changes nothing. */
export async function checkDirectory(
  settings: LdapSettings,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  try {
    return await withDirectory(settings, async (client) => {
      const checks: TargetCheck[] = [{ what: 'reach', ok: true, detail: `bound as ${settings.bindDn}` }];
      for (const grant of grants) checks.push(await checkGroup(client, grant));
      const [grant] = grants;
      for (const account of grant === undefined ? [] : new Set(accounts)) {
        const refusal = await refusalOf(client, settings, account, grant ?? {});
        const what = `account ${account}`;
        checks.push(
          refusal === undefined
            ? { what, ok: true, detail: 'is there' }
            : { what, ok: false, detail: refusal },
        );
      }
      return checks;
    });
  } catch (error) {
    return [{ what: 'reach', ok: false, detail: error instanceof Error ? error.message : String(error) }];
  }
}

async function checkGroup(client: Client, grant: CatalogGrant): Promise<TargetCheck> {
  const what = `group ${groupOf(grant)}`;
  if ((await entryAt(client, groupOf(grant), ['objectClass'])) === undefined)
    return { what, ok: false, detail: "is not there, or the connector's login may not see it" };
  return (await mayChangeMembers(client, grant))
    ? { what, ok: true, detail: 'can be given' }
    : {
        what,
        ok: false,
        detail: `the login may not change its members (${attributeOf(grant)}); run what connector setup prints`,
      };
}

/** Asks to remove a member that no group has. Directories look at the right first, and then there is nothing to remove. */
async function mayChangeMembers(client: Client, grant: CatalogGrant): Promise<boolean> {
  try {
    await client.modify(groupOf(grant), changeOf('delete', grant, `cn=countersign-check-${randomUUID()}`));
    return true;
  } catch (error) {
    return !(error instanceof InsufficientAccessError);
  }
}
