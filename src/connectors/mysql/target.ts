import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget } from '../lease-book/target';
import { type Account, accountName, accountOf, nameOfAccount, quoted } from './names';
import { errnoOf, type MysqlSettings, type Session, withServer } from './server';

/**
 * Roles of a MariaDB server, one grant for each account. GRANT and REVOKE commit by themselves, so a lease cannot lie in the
 * transaction that changes the access: it lies in the lease book.
 */
export class MysqlRoles implements BookTarget {
  constructor(private readonly settings: MysqlSettings) {}

  nameOf({ role }: CatalogGrant): string | undefined {
    return role;
  }

  refuse({ account, grant }: Access): Promise<string | undefined> {
    return withServer(this.settings, (session) => refusalOf(session, account, roleOf(grant)));
  }

  holds({ account, grant }: Access): Promise<boolean> {
    return withServer(this.settings, (session) => isHeld(session, accountOf(account), roleOf(grant)));
  }

  give({ account, grant }: Access): Promise<void> {
    const sql = `GRANT ${quoted(roleOf(grant))} TO ${accountName(accountOf(account))}`;
    return withServer(this.settings, (session) => session.run(sql));
  }

  /** A session keeps the role that it has set, so sessions are ended with the access. */
  take({ account, grant }: Access): Promise<void> {
    const who = accountOf(account);
    const role = roleOf(grant);
    return withServer(this.settings, async (session) => {
      if (await isHeld(session, who, role))
        await session.run(`REVOKE ${quoted(role)} FROM ${accountName(who)}`);
      await endSessions(session, who);
    });
  }

  holders(grants: readonly CatalogGrant[]): Promise<readonly Drift[]> {
    const roles = grants.map(roleOf);
    return withServer(this.settings, async (session) => {
      const login = await loginOf(session);
      const held = await session.rows<Mapping>('SELECT User, Host, Role FROM mysql.roles_mapping');
      // The connector's own grants, by which it may give the role to others, are no drift.
      return held
        .filter(
          ({ Role, User, Host }) => roles.includes(Role) && !(User === login.user && Host === login.host),
        )
        .map(({ User, Host, Role }) => ({ account: nameOfAccount({ user: User, host: Host }), grant: Role }));
    });
  }

  async close(): Promise<void> {}
}

interface Mapping {
  readonly User: string;
  readonly Host: string;
  readonly Role: string;
}

const roleOf = ({ role = '' }: CatalogGrant): string => role;

async function isHeld(session: Session, { user, host }: Account, role: string): Promise<boolean> {
  const sql = 'SELECT 1 FROM mysql.roles_mapping WHERE User = ? AND Host = ? AND Role = ?';
  return (await session.rows(sql, [user, host, role])).length > 0;
}

async function loginOf(session: Session): Promise<Account> {
  const [row] = await session.rows<{ login: string }>('SELECT CURRENT_USER() AS login');
  return accountOf(row?.login ?? '');
}

/** Ends every session of the user. The server does not say as which account of that name a session runs. */
async function endSessions(session: Session, { user }: Account): Promise<void> {
  const sql = 'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ?';
  for (const { id } of await session.rows<{ id: number }>(sql, [user]))
    await session.run(`KILL CONNECTION ${Number(id)}`).catch((error: unknown) => {
      // 1094: it ended meanwhile.
      if (errnoOf(error) !== 1094) throw error;
    });
}

/** Returns why a role cannot be given to an account, or undefined. */
export async function refusalOf(
  session: Session,
  account: string,
  role: string,
): Promise<string | undefined> {
  const who = accountOf(account);
  const users = 'SELECT is_role AS isRole FROM mysql.user WHERE User = ? AND Host = ?';
  const [foundRole] = await session.rows<{ isRole: string }>(users, [role, '']);
  if (foundRole?.isRole !== 'Y') return `there is no role ${role}`;
  const [foundUser] = await session.rows<{ isRole: string }>(users, [who.user, who.host]);
  if (foundUser === undefined || foundUser.isRole === 'Y') return `there is no account ${accountName(who)}`;
  const login = await loginOf(session);
  if (login.user === who.user && login.host === who.host)
    return `the account ${account} is the login of the connector itself`;
  return undefined;
}

/** Returns whether the connector may give a role to others, or is allowed everything. */
export async function mayGrant(session: Session, role: string): Promise<boolean> {
  const { user, host } = await loginOf(session);
  const sql =
    "SELECT 1 FROM mysql.roles_mapping WHERE User = ? AND Host = ? AND Role = ? AND Admin_option = 'Y'";
  return (await session.rows(sql, [user, host, role])).length > 0;
}
