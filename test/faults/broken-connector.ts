import { Client, escapeIdentifier } from 'pg';
import type { Connector } from '../../src/connectors/contract';
import type { Breakage } from './breakage';

/** The product's connector with one of its promises broken. */
export function breakConnector(connector: Connector, url: string, breakage: Breakage): Connector {
  const sound = delegating(connector);
  switch (breakage) {
    case 'grants-refused':
      return {
        ...sound,
        revoke: async (leaseId, reason) => {
          if (reason === 'barred') await give(url, leaseId);
          return connector.revoke(leaseId, reason === 'barred' ? 'revoked' : reason);
        },
      };
    case 'grants-aside':
      return {
        ...sound,
        provision: async (authorisation) => {
          const outcome = await connector.provision(authorisation);
          const account = escapeIdentifier(authorisation.terms.binding.account);
          await query(url, `GRANT production_admin, production_write, reporting_read TO ${account}`);
          return outcome;
        },
      };
    case 'grants-twice':
      return {
        ...sound,
        revoke: async (leaseId, reason) => {
          const outcome = await connector.revoke(leaseId, reason);
          await query(
            url,
            `UPDATE countersign.lease SET ended_at_ms = NULL, end_reason = NULL
              WHERE lease_id = $1 AND account IS NOT NULL`,
            [leaseId],
          );
          await connector.revoke(leaseId, reason);
          return outcome;
        },
      };
    case 'holds-open':
      return { ...sound, revoke: async () => ({ accessRemoved: true }), overdue: async () => [] };
    case 'puts-off-end':
      return {
        ...sound,
        provision: async (authorisation) => {
          const outcome = await connector.provision(authorisation);
          await query(
            url,
            'UPDATE countersign.lease SET expires_at_ms = expires_at_ms + 2000 WHERE lease_id = $1',
            [authorisation.terms.leaseId],
          );
          return outcome;
        },
      };
    case 'loses-requests':
    case 'diverges-from-history':
      return connector;
  }
}

/** Gives a lease of that id to anybody at all. */
async function give(url: string, leaseId: string): Promise<void> {
  await query(
    url,
    `INSERT INTO countersign.lease (lease_id, account, role, granted_at_ms, expires_at_ms)
     SELECT $1, rolname, 'production_write', 1, 2 FROM pg_roles WHERE rolname LIKE 'life%' LIMIT 1
     ON CONFLICT DO NOTHING`,
    [leaseId],
  );
}

async function query(url: string, text: string, values: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(text, values).finally(() => client.end());
}

function delegating(connector: Connector): Connector {
  return {
    describe: () => connector.describe(),
    provision: (authorisation) => connector.provision(authorisation),
    revoke: (leaseId, reason) => connector.revoke(leaseId, reason),
    list: (scope) => connector.list(scope),
    overdue: (atMs) => connector.overdue(atMs),
    ...(connector.findings && { findings: connector.findings }),
    withReconcilerLock: (work) => connector.withReconcilerLock(work),
    close: () => connector.close(),
  };
}
