import { createHash } from 'node:crypto';
import { ARCHIVE } from '../../../src/audit/archive/postgresql-sink';
import { LOG_HEADS } from '../../../src/audit/log/migrations';
import { NOTICES } from '../../../src/channels/migrations';
import { TABLES } from '../../../src/cli/setup-database';
import { LEASE_BOOK } from '../../../src/connectors/lease-book/migrations';
import { FINDINGS, LEASES } from '../../../src/connectors/postgresql/migrations';
import type { StoreTables } from '../../../src/database/migrate';
import { REGISTER } from '../../../src/directory/register/migrations';
import { SOURCES } from '../../../src/directory/sources/migrations';
import { PUSHED } from '../../../src/directory/sources/pushed/store';
import { ENDED_SESSIONS } from '../../../src/gateway/auth/ended-sessions';
import { USED_ONCE } from '../../../src/gateway/auth/used-once';
import { GITHUB_QUESTIONS } from '../../../src/gateway/github/question-store';
import { GITLAB_QUESTION_TABLE } from '../../../src/gateway/gitlab/question';
import { CALLBACKS } from '../../../src/gateway/requests/callback-store';
import { LEDGER } from '../../../src/ledger/migrations';
import { PUSH } from '../../../src/push/subscriptions';
import { SSH_GRANTS } from '../../../src/ssh-ca/migrations';
import { TOKEN_USES } from '../../../src/token-uses/migrations';

const STORES = [
  ...[
    ARCHIVE,
    CALLBACKS,
    ENDED_SESSIONS,
    FINDINGS,
    GITHUB_QUESTIONS,
    GITLAB_QUESTION_TABLE.tables,
    LEASE_BOOK,
    LEASES,
    LEDGER,
    LOG_HEADS,
    NOTICES,
    PUSH,
    PUSHED,
    REGISTER,
    SOURCES,
    SSH_GRANTS,
    TOKEN_USES,
    USED_ONCE,
  ],
];

/** Databases have run these. To change a table, add a migration and its line here; never change a line. */
const RELEASED: readonly string[] = [
  'archive 1 item: 2PfEgyQfu9lvHAnm',
  'callbacks 1 callback: -qR7PUuF1Y5Eoxo-',
  'ended sessions 1 ended_session: gyXiReqw27M9yR7n',
  'findings 1 finding: tOtcpe9OwImJlzzf',
  'findings 2 left_behind: J27TCeBaiwmzSkPE',
  'findings 3 finding what: DBQUDs8z0402fmX3',
  'github questions 1 github_question: HUymCLk-ISZ4Naqw',
  'gitlab questions 1 gitlab_question: 6HKRjurJAL78hxAq',
  'lease book 1 book_lease, book_reconciler: wqmKvkbUJilAUdpI',
  'lease book 2 book_finding: cAvJ1S9g-JUeteli',
  'leases 1 lease, session_due, reconciler: 8STYP5WR98Id1736',
  'leases 2 possession: fqPw7YqcHoispVUs',
  'leases 3 lease oids: yHUTTxjhCs4WAxrr',
  'ledger 1 ask, grant_record, denial: Sc0_Tg8woC7LNUs2',
  'ledger 2 signature_count: izAddKFe2KPNIl7c',
  'log heads 1 log_head: fKZ-mn7ApZ3XTGSb',
  'notices 1 notice_message, notice, notice_delivery, notice_turn: wYkNj-RbAw6MHwgn',
  'push 1 push_subscription: HFhuCFCuyHghzag0',
  'pushed resources 1 pushed_resource, pushed_source: NjNEht3Ur23oUazx',
  'register 1 register_row: 4UtQS45_eJty9low',
  'sources 1 source_snapshot, source_word, source_release: thqCP6rFy2ijGKXh',
  'sources 2 source_failure: RNhuAtE_iH8iCjRU',
  'ssh grants 1 ssh_grant: Hn2FyjagPZgo-rDl',
  'token uses 1 execution, execution_reconciler: xlvexS4WbanlIQ_y',
  'used once 1 used_once: XTAPRewW_oS14vRr',
];

test('a released migration never changes, for no database would run it again', () => {
  const lines = STORES.flatMap(({ store, migrations }) =>
    migrations.map(({ name, sql }, index) => {
      const digest = createHash('sha256').update(sql.replace(/\s+/g, ' ')).digest('base64url').slice(0, 16);
      return `${store} ${index + 1} ${name}: ${digest}`;
    }),
  );
  expect(lines).toEqual(RELEASED);
});

test('no two stores share a name', () => {
  expect(new Set(STORES.map(({ store }) => store)).size).toBe(STORES.length);
});

test('SHP-3 setup database makes the tables of every store but those that are made on a target or with the archive', () => {
  const made: readonly StoreTables[] = Object.values(TABLES).flat();
  const elsewhere = [ARCHIVE, FINDINGS, LEASES, TOKEN_USES];
  expect(STORES.filter((one) => !made.includes(one))).toEqual(elsewhere);
  expect(made.filter((one) => !STORES.includes(one))).toEqual([]);
});
