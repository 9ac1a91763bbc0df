import type { Client } from 'ldapts';
import type { Expected, TargetCheck } from '../target-check';
import { entryAt, type LdapSettings, withDirectory } from './directory';
import { refusalOf } from './target';

/** Checks reach and names of a directory. Changes nothing, so it cannot say whether the login may write members. */
export async function checkDirectory(
  settings: LdapSettings,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  try {
    return await withDirectory(settings, async (client) => {
      const checks: TargetCheck[] = [{ what: 'reach', ok: true, detail: `bound as ${settings.bindDn}` }];
      for (const grant of grants) checks.push(await checkGroup(client, grant['group'] ?? ''));
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

async function checkGroup(client: Client, group: string): Promise<TargetCheck> {
  const what = `group ${group}`;
  return (await entryAt(client, group, ['objectClass'])) === undefined
    ? { what, ok: false, detail: "is not there, or the connector's login may not see it" }
    : {
        what,
        ok: true,
        detail: 'is there; whether the login may change its members shows at the first grant',
      };
}
