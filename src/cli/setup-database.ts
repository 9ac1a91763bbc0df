import { LOG_HEADS } from '../audit/log/migrations';
import { NOTICES } from '../channels/migrations';
import { leaseBookAddress } from '../connectors';
import { LEASE_BOOK } from '../connectors/lease-book/migrations';
import { Database } from '../database/database';
import type { StoreTables } from '../database/migrate';
import { REGISTER } from '../directory/register/migrations';
import { SOURCES } from '../directory/sources/migrations';
import { PUSHED } from '../directory/sources/pushed/store';
import { ENDED_SESSIONS } from '../gateway/auth/ended-sessions';
import { USED_ONCE } from '../gateway/auth/used-once';
import { GITHUB_QUESTIONS } from '../gateway/github/question-store';
import { GITLAB_QUESTION_TABLE } from '../gateway/gitlab/question';
import { CALLBACKS } from '../gateway/requests/callback-store';
import { ledgerAddress, registerAddress } from '../ledger';
import { LEDGER } from '../ledger/migrations';
import { createBundleSource } from '../policy';
import { PUSH } from '../push/subscriptions';
import { SSH_GRANTS } from '../ssh-ca/migrations';
import type { Context } from './context';
import { createLogger } from './logger';
import { type CommandResult, done, failed } from './output';
import { toldTickets } from './tickets';

/** What lies in which database, besides the leases of targets and the archive, which are made where those are. */
export const TABLES = {
  ledger: [
    LEDGER,
    CALLBACKS,
    GITHUB_QUESTIONS,
    GITLAB_QUESTION_TABLE.tables,
    ENDED_SESSIONS,
    USED_ONCE,
    NOTICES,
    PUSH,
    LOG_HEADS,
  ],
  'lease book': [LEASE_BOOK, SSH_GRANTS],
  register: [REGISTER, SOURCES, PUSHED],
} as const satisfies Readonly<Record<string, readonly StoreTables[]>>;

/**
 * `countersign setup database`: brings the tables of ledger, lease book and register up to date, and changes nothing if they are. Programs
 * do the same when they first use a table; this is for who wants it done before they start, or by another role.
 */
export async function setUpDatabase({ settings, env }: Context): Promise<CommandResult> {
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  const tickets = toldTickets(settings.COUNTERSIGN_TICKETS, logger);
  const { connectors } = await (
    await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger })
  ).current();
  const addresses = {
    ledger: ledgerAddress(connectors, env),
    'lease book': leaseBookAddress(connectors, env),
    register: registerAddress(connectors, env),
  };
  const ready: string[] = [];
  for (const name of ['ledger', 'lease book', 'register'] as const) {
    const database = new Database({ url: addresses[name], maxConnections: 1, log: logger }, TABLES[name]);
    try {
      await database.migrated();
      ready.push(name);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      return failed(
        { code: 'NOT_READY', message: `the tables of the ${name} are not up to date: ${reason}` },
        { ready },
      );
    } finally {
      await database.close();
    }
  }
  return done({ ready }, `up to date: the tables of ${ready.join(', ')}`);
}
