import { Client, escapeIdentifier } from 'pg';
import type { Connector, ProvisionResult, RevocationResult } from '../../src/connectors/contract';
import type { EndCause, EndReason } from '../../src/domain/lease';
import type { Authorisation } from '../../src/domain/prove';
import { breakageOf } from './breakage';

/** The product's connector, except that it breaks a promise to requests whose id says so. */
export function breakConnector(connector: Connector, url: string): Connector {
  return {
    provision: (authorisation) => provision(connector, url, authorisation),
    revoke: (leaseId, reason, cause) => revoke(connector, url, leaseId, reason, cause),
    list: (scope, governed) => connector.list(scope, governed),
    overdue: async (atMs) =>
      (await connector.overdue(atMs)).filter(({ id }) => breakageOf(id) !== 'holds-open'),
    ...(connector.findings && { findings: connector.findings }),
    endSessions: async () => (await connector.endSessions?.()) ?? [],
    withReconcilerLock: (work) => connector.withReconcilerLock(work),
    close: () => connector.close(),
  };
}

async function provision(
  connector: Connector,
  url: string,
  authorisation: Authorisation,
): Promise<ProvisionResult> {
  const outcome = await connector.provision(authorisation);
  const { leaseId, binding } = authorisation.terms;
  const breakage = breakageOf(leaseId);
  if (breakage === 'grants-aside')
    await query(url, `GRANT production_admin, reporting_read TO ${escapeIdentifier(binding.account)}`);
  if (breakage === 'puts-off-end')
    await query(
      url,
      'UPDATE countersign.lease SET expires_at_ms = expires_at_ms + 2000 WHERE lease_id = $1',
      [leaseId],
    );
  return outcome;
}

async function revoke(
  connector: Connector,
  url: string,
  leaseId: string,
  reason: EndReason,
  cause: EndCause | undefined,
): Promise<RevocationResult> {
  const breakage = breakageOf(leaseId);
  if (breakage === 'holds-open') return { accessRemoved: true };
  if (breakage === 'grants-refused' && reason === 'barred')
    // For any account.
    await query(
      url,
      `INSERT INTO countersign.lease (lease_id, account, role, granted_at_ms, expires_at_ms)
       SELECT $1, rolname, 'production_write', 1, 2 FROM pg_roles WHERE rolname LIKE 'life%' LIMIT 1
       ON CONFLICT DO NOTHING`,
      [leaseId],
    );
  if (breakage === 'grants-twice') {
    await connector.revoke(leaseId, reason);
    await query(
      url,
      `UPDATE countersign.lease SET ended_at_ms = NULL, end_reason = NULL
        WHERE lease_id = $1 AND account IS NOT NULL`,
      [leaseId],
    );
  }
  const given = breakage === 'grants-refused' && reason === 'barred' ? 'revoked' : reason;
  return connector.revoke(leaseId, given, cause);
}

async function query(url: string, text: string, values: unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(text, values).finally(() => client.end());
}
