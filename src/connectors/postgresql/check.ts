import { escapeIdentifier } from 'pg';
import type { Database } from '../../database/database';
import type { CatalogGrant } from '../contract';
import { checkDatabase, type Expected, type TargetCheck } from '../target-check';
import { refuseUnsafeRole, refuseUnusableAccount } from './membership';
import { refuseLeavings } from './role-leavings';

const TABLES = ['lease', 'session_due', 'reconciler', 'finding', 'possession', 'left_behind'];

/** Checks reach, rights and names of a target, in a transaction that changes nothing. */
export const checkTarget = (url: string, { grants, accounts }: Expected): Promise<readonly TargetCheck[]> =>
  checkDatabase(url, TABLES, async (database, login) => {
    const byRole = new Map(grants.map((grant) => [JSON.stringify([grant['role'], grant['accepts']]), grant]));
    const checks = [await mayEndSessions(database, login, accounts)];
    for (const grant of byRole.values()) checks.push(await checkRole(database, login, grant, accounts));
    for (const account of new Set(accounts)) checks.push(await checkAccount(database, account));
    return checks;
  });

async function mayEndSessions(
  database: Database,
  login: string,
  accounts: readonly string[],
): Promise<TargetCheck> {
  const rows = await database.query(
    `SELECT 1 WHERE pg_has_role('pg_signal_backend', 'USAGE')
         OR NOT EXISTS (SELECT 1 FROM pg_roles a WHERE a.rolname = ANY ($1) AND NOT pg_has_role(a.oid, 'USAGE'))`,
    [accounts],
  );
  const what = 'sessions';
  if (rows.length > 0) return { what, ok: true, detail: 'they end with the access' };
  return {
    what,
    ok: false,
    detail: `${login} may not end the sessions of accounts; GRANT pg_signal_backend TO ${escapeIdentifier(login)}`,
  };
}

async function checkRole(
  database: Database,
  login: string,
  grant: CatalogGrant,
  accounts: readonly string[],
): Promise<TargetCheck> {
  const role = grant['role'] ?? '';
  const what = `role ${role}`;
  const unsafe = await database.transaction((client) => refuseUnsafeRole(client, role));
  if (unsafe !== undefined) return { what, ok: false, detail: unsafe };
  const rows = await database.query(
    `SELECT 1 FROM pg_roles me WHERE me.rolname = current_user
        AND (pg_has_role($1, 'MEMBER WITH ADMIN OPTION')
             OR (me.rolcreaterole AND current_setting('server_version_num')::int < 160000))`,
    [role],
  );
  if (rows.length > 0) {
    const { refusal, told } = await database.transaction((client) => refuseLeavings(client, grant, accounts));
    if (refusal !== undefined) return { what, ok: false, detail: refusal };
    const warning =
      told &&
      `; the catalog accepts that a holder can leave something behind, which is told at the end: ${told}`;
    return { what, ok: true, detail: `can be granted${warning ?? ''}` };
  }
  const detail = `${login} may not grant it; GRANT ${escapeIdentifier(role)} TO ${escapeIdentifier(login)} WITH ADMIN OPTION`;
  return { what, ok: false, detail };
}

async function checkAccount(database: Database, account: string): Promise<TargetCheck> {
  const unusable = await database.transaction((client) => refuseUnusableAccount(client, account));
  const what = `account ${account}`;
  return unusable === undefined
    ? { what, ok: true, detail: 'can use what it is granted' }
    : { what, ok: false, detail: unusable };
}
