import { environmentOf, holderTargetOf } from '../../../src/cli/run/environment';
import { sayWaiting } from '../../../src/cli/run/waiting';
import type { AccessRequest, RequestView } from '../../../src/client';

const request: AccessRequest = {
  id: 'request-0001',
  kind: 'access',
  requester: 'ci/payments',
  beneficiary: 'ci/payments',
  entitlement: { connector: 'ware-house', resource: 'payments', action: 'write' },
  durationMs: 60_000,
  emergency: false,
  reason: 'a test',
  onBehalfOf: [],
  submittedAtMs: 0,
};
const lease = { id: 'request-0001', account: 'payments_ci', grantedAtMs: 0, expiresAtMs: 60_000 };
const url = (text: string) => holderTargetOf('warehouse', { COUNTERSIGN_TARGET_WAREHOUSE_URL: text });

describe('FRI-3 what a command under run finds in its environment', () => {
  test('the account that was given access, and where the target is', () => {
    const target = url('postgresql://:p%40ss@db.example:5433/ware%20house?sslmode=verify-full');
    expect(environmentOf(request, lease, target, { PATH: '/bin' })).toEqual({
      PATH: '/bin',
      GRANT_REQUEST: 'request-0001',
      GRANT_ENTITLEMENT: 'ware-house:payments#write',
      GRANT_ACCOUNT: 'payments_ci',
      GRANT_EXPIRES_AT: '1970-01-01T00:01:00.000Z',
      PGHOST: 'db.example',
      PGPORT: '5433',
      PGDATABASE: 'ware house',
      PGUSER: 'payments_ci',
      PGPASSWORD: 'p@ss',
      PGSSLMODE: 'verify-full',
      DATABASE_URL: 'postgresql://payments_ci:p%40ss@db.example:5433/ware%20house?sslmode=verify-full',
    });
  });

  test('nothing of ours, and nothing that would lead it to another database', () => {
    const env = {
      COUNTERSIGN_CONNECTOR_WARE_HOUSE_URL: 'postgresql://admin:secret@db/x',
      TEMPORAL_API_KEY: 'secret',
      PGSERVICE: 'elsewhere',
      PGHOSTADDR: '10.0.0.1',
      PGPASSWORD: 'secret',
      DATABASE_URL: 'postgresql://secret@elsewhere/x',
      PGPASSFILE: '/home/ci/.pgpass',
    };
    const seen = environmentOf(request, lease, url('postgres://db/x'), env);
    expect(JSON.stringify(seen)).not.toMatch(/secret|elsewhere|10\.0/);
    expect(seen['PGPASSFILE']).toBe('/home/ci/.pgpass');
    // Without a target of ours the command's own settings are left alone; ours are still none of its business.
    const alone = environmentOf(request, lease, undefined, env);
    expect(alone['PGSERVICE']).toBe('elsewhere');
    expect(Object.keys(alone).filter((name) => /^COUNTERSIGN|^TEMPORAL/.test(name))).toEqual([]);
  });

  test('an address for another account is refused, without the address', () => {
    const other = url('postgresql://admin:secret@db/x');
    expect(() => environmentOf(request, lease, other, {})).toThrow(/for the account admin/);
    expect(() => environmentOf(request, lease, other, {})).not.toThrow(/secret/);
    const wrong = { COUNTERSIGN_TARGET_WARE_HOUSE_URL: 'redis://u:secret@db/x' };
    expect(() => holderTargetOf('ware-house', wrong)).toThrow(/COUNTERSIGN_TARGET_WARE_HOUSE_URL/);
    expect(() => holderTargetOf('ware-house', wrong)).not.toThrow(/secret/);
    expect(holderTargetOf('ware-house', {})).toBeUndefined();
  });
});

describe('FRI-2 one line says who is awaited, since when, and what time does next', () => {
  const view: RequestView = {
    status: 'awaiting_approval',
    revision: 0,
    openStage: 'owner',
    stageOpenedAtMs: Date.UTC(2026, 0, 1, 9),
    awaiting: ['person/mira', 'person/tomas'],
    approvals: [],
    reroutes: [],
    refusals: [],
    refusalCount: 0,
    review: { phase: 'none' },
    assessment: {
      ...{ outcome: 'approve', reasonCodes: [], explanation: '', determiningPolicies: [] },
      ...{ policyDigest: '', directoryDigest: '', assessedAtMs: 0 },
      path: {
        name: 'path',
        stages: [
          {
            name: 'owner',
            eligible: [],
            quorum: 1,
            escalateAfterMs: 3_600_000,
            expireAfterMs: 8 * 3_600_000,
          },
        ],
      },
    },
  };

  test('before and after it has escalated, and after the path was switched', () => {
    const who = 'needs 1, has 0, missing: person/mira or person/tomas (owner) since 2026-01-01T09:00:00Z';
    expect(sayWaiting(view)).toBe(
      `${who}; escalates at 2026-01-01T10:00:00Z; lapses at 2026-01-01T17:00:00Z`,
    );
    expect(sayWaiting({ ...view, escalated: true })).toBe(
      `${who}; it has been escalated; lapses at 2026-01-01T17:00:00Z`,
    );
    const path = {
      name: 'other',
      stages: [{ name: 'owner', eligible: [], quorum: 1, expireAfterMs: 60_000 }],
    };
    const change = { jti: 'j', by: 'person/nadia', from: 'path', path, untilMs: 0 };
    const switched = { ...view, switches: [{ ...change, phase: 'in_force' as const }] };
    expect(sayWaiting(switched)).toBe(`${who}; lapses at 2026-01-01T09:01:00Z`);
    const proposed = { ...view, switches: [{ ...change, phase: 'proposed' as const }] };
    expect(sayWaiting(proposed)).toContain('lapses at 2026-01-01T17:00:00Z');
    expect(sayWaiting({ ...view, status: 'provisioning', awaiting: [] })).toBe('the request is provisioning');
  });
});
