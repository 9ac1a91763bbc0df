import type { Expected, TargetCheck } from '../target-check';
import { type MysqlSettings, type Session, withServer } from './server';
import { mayGrant, refusalOf } from './target';

/** Checks reach, version, names and rights of a server. Changes nothing. */
export async function checkServer(
  settings: MysqlSettings,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  try {
    return await withServer(settings, async (session) => {
      const reach = await versionOf(session);
      if (!reach.ok) return [reach];
      const checks = [reach];
      const roles = [...new Set(grants.flatMap(({ role }) => role ?? []))];
      for (const role of roles)
        checks.push(
          (await mayGrant(session, role))
            ? { what: `role ${role}`, ok: true, detail: 'can be given' }
            : {
                what: `role ${role}`,
                ok: false,
                detail: 'it is not there, or the connector may not give it; run what connector setup prints',
              },
        );
      const [role] = roles;
      for (const account of role === undefined ? [] : new Set(accounts)) {
        const refusal = await refusalOf(session, account, role ?? '');
        checks.push({ what: `account ${account}`, ok: refusal === undefined, detail: refusal ?? 'is there' });
      }
      return checks;
    });
  } catch (error) {
    return [{ what: 'reach', ok: false, detail: error instanceof Error ? error.message : String(error) }];
  }
}

async function versionOf(session: Session): Promise<TargetCheck> {
  const [row] = await session.rows<{ version: string }>('SELECT VERSION() AS version');
  const version = row?.version ?? '';
  return /MariaDB/i.test(version)
    ? { what: 'reach', ok: true, detail: `MariaDB ${version}` }
    : {
        what: 'reach',
        ok: false,
        detail: `this is version ${version}, and only MariaDB is supported so far`,
      };
}
