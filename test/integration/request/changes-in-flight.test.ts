import { CountersignError } from '../../../src/client';
import type { AccessRequest } from '../../../src/domain/request';
import { generateKey, importSigningKey, type SigningKey } from '../../../src/signing/keys';
import { Harness } from '../../support/harness';
import { ADMIN, READ, WRITE } from '../../support/harness-asks';
import { eventually } from '../../support/harness-wait';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

const MIRA = ['people', 'person/mira', 'keys'] as const;

/** Makes a key and the entry that registers it. */
async function newKey(): Promise<{ readonly key: SigningKey; readonly entry: object }> {
  const { privateJwkText, publicJwk } = await generateKey();
  const key = await importSigningKey(privateJwkText, 'new key');
  if (!key.ok) throw new Error(key.message);
  return { key: key.key, entry: { jwk: publicJwk, assurance: 'key', channel: 'cli' } };
}

type Change = (request: AccessRequest) => Promise<() => void>;

/** Changes several files of the bundle; returns what restores them all. */
const replaceAll = (text: string, replacement: string, files: readonly string[]): (() => void) => {
  const restores = files.map((file) =>
    harness.bundle.change(file, (before) => before.replaceAll(text, replacement)),
  );
  return () => {
    for (const restore of restores) restore();
  };
};

/** Mira has approved the first stage; then something changes, and David approves the second. */
async function approvedAround(change: Change, requester: string) {
  const request = await harness.cast.ask({ ...ADMIN, requester, durationMs: 1_000 });
  expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
  const restore = await change(request);
  try {
    const said = await harness.cast.say('person/david', 'approve', request);
    const { status, failure } = await harness.cast.settled(request);
    return [said, failure?.code ?? status];
  } finally {
    restore();
  }
}

describe('TTA-6, WEB-3 what changes while an approval is in flight', () => {
  test.each<[string, Change, string]>([
    [
      'a new key beside the old one leaves what the old one signed',
      async () => harness.bundle.set('directory.yaml', [...MIRA, 1], (await newKey()).entry),
      'active',
    ],
    [
      'an old key that is valid for another hour still counts',
      async () =>
        harness.bundle.set(
          'directory.yaml',
          [...MIRA, 0, 'notAfter'],
          new Date(Date.now() + 3_600_000).toISOString(),
        ),
      'active',
    ],
    [
      'a new key in place of the old one takes its approval away',
      async () => harness.bundle.set('directory.yaml', [...MIRA, 0], (await newKey()).entry),
      'UNKNOWN_KEY',
    ],
    [
      'somebody who moves to another team has approved nothing',
      async () =>
        harness.bundle.set('directory.yaml', ['groups', 'payments-leads', 'members'], ['person/tomas']),
      'NOT_ELIGIBLE',
    ],
    [
      'a team that is renamed everywhere keeps what its people approved',
      async () =>
        replaceAll('payments-leads', 'payments-owners', ['directory.yaml', 'catalog.yaml', 'paths.yaml']),
      'active',
    ],
    [
      'a path that is renamed, with the same stages, keeps it too',
      async () => {
        const policies = ['access.cedar', 'paths.yaml'];
        return replaceAll('production-admin', 'production-administration', policies);
      },
      'active',
    ],
    [
      'a stage that is renamed is another demand',
      async () =>
        harness.bundle.change('paths.yaml', (text) => text.replaceAll('name: dba', 'name: administrator')),
      'POLICY_CHANGED',
    ],
    [
      'a person who is renamed has approved nothing: the signature names somebody who is not there',
      async () => replaceAll('person/mira', 'person/miriam', ['directory.yaml']),
      'BAD_SIGNATURE',
    ],
  ])('%s', async (_what, change, outcome) => {
    expect(await approvedAround(change, 'ci/payments')).toEqual(['accepted', outcome]);
  });

  test('who signs with a key that was rotated in between is told, and signs with the new one', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer', durationMs: 1_000 });
    const { key, entry } = await newKey();
    const restore = harness.bundle.set('directory.yaml', [...MIRA, 0], entry);
    try {
      expect(await harness.cast.say('person/mira', 'approve', request)).toBe('UNKNOWN_KEY');
      expect(await harness.cast.say('person/mira', 'approve', request, {}, { key })).toBe('accepted');
      expect((await harness.cast.settled(request)).status).toBe('active');
    } finally {
      restore();
    }
  });

  test('a requester whose key is replaced before access is given asks again: what it signed proves no longer', async () => {
    const outcome = await approvedAround(
      async () =>
        harness.bundle.set(
          'directory.yaml',
          ['identities', 'bot/deployer', 'keys', 0],
          (await newKey()).entry,
        ),
      'bot/deployer',
    );
    expect(outcome).toEqual(['accepted', 'UNKNOWN_KEY']);
  });
});

describe('APB-4 a job of CI that is tried again', () => {
  test('and sends what it sent: the second is refused, and there is one request and one lease', async () => {
    const request = harness.cast.compose({ ...READ, durationMs: 5_000 });
    const submission = await harness.cast.submission(request);
    const both = await Promise.allSettled([
      harness.client.submit(submission),
      harness.client.submit(submission),
    ]);
    const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(refused).toEqual([expect.objectContaining({ code: 'ALREADY_SUBMITTED' })]);
    expect(refused[0]).toBeInstanceOf(CountersignError);
    expect((await harness.cast.settled(request)).status).toBe('active');
    expect(await harness.leases(request.id)).toHaveLength(1);
  });

  test('and asks anew: each request is a lease of its own, and the end of one leaves the access of the other', async () => {
    const asked = { ...READ, requester: 'person/lena' };
    const [short, long] = [
      await harness.cast.ask({ ...asked, durationMs: 1_000 }),
      await harness.cast.ask({ ...asked, durationMs: 8_000 }),
    ];
    expect((await harness.cast.over(short)).status).toMatch(/expired|closed/);
    expect((await harness.cast.view(long)).status).toBe('active');
    expect(await harness.holds('lena', 'reporting_read')).toBe(true);
    await harness.cast.say('person/lena', 'revoke', long);
    await harness.cast.over(long);
    expect(await harness.holds('lena', 'reporting_read')).toBe(false);
  });
});

/** They are given one after the other, because each has to know of the other leases of the access. */
const MANY = 25;

describe('FRI-1 many requests at once for the same access', () => {
  test('are all given, each once, and all end', async () => {
    const requests = Array.from({ length: MANY }, () =>
      harness.cast.compose({ ...READ, durationMs: 20_000 }),
    );
    const began = Date.now();
    await Promise.all(
      requests.map(async (request) => harness.client.submit(await harness.cast.submission(request))),
    );
    const rows = (where: string) =>
      harness.postgres.query(
        `SELECT count(*)::int AS rows, count(DISTINCT lease_id)::int AS leases FROM countersign.lease
          WHERE account = 'atlas_agent' AND granted_at_ms >= $1 ${where}`,
        [began],
      );
    const all = async (where: string) => {
      const [found] = await rows(where);
      return found?.['rows'] === MANY ? found : undefined;
    };
    expect(await eventually('all are given', () => all(''), 240_000)).toEqual({ rows: MANY, leases: MANY });
    await eventually('all have ended', () => all('AND ended_at_ms IS NOT NULL'), 240_000);
    expect(await harness.holds('atlas_agent', 'reporting_read')).toBe(false);
    const [first] = requests;
    if (first !== undefined) expect((await harness.cast.over(first)).status).toMatch(/expired|closed/);
  }, 600_000);
});
