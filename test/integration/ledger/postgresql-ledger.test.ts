import { requestDigest } from '../../../src/domain/digest';
import type { AskEntry, GrantEntry } from '../../../src/domain/precedents';
import type { AccessRequest } from '../../../src/domain/request';
import { PostgresqlLedger } from '../../../src/ledger';
import { needsApproval } from '../../support/domain/builders';
import { sampleRequest } from '../../support/keyring';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const HOUR = 3_600_000;
let postgres: TestPostgres;
let ledger: PostgresqlLedger;
beforeAll(async () => {
  postgres = await startPostgres();
  ledger = new PostgresqlLedger({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await ledger?.close();
  postgres?.stop();
});
beforeEach(async () => {
  await ledger.openGrants(0);
  await postgres.query('TRUNCATE countersign.ask, countersign.grant_record, countersign.denial');
});

let count = 0;
function aRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  count += 1;
  return sampleRequest({ id: `ledger-request-${count}`, ...changes });
}
const entry = (request: AccessRequest, changes: Partial<AskEntry> = {}): AskEntry => ({
  request,
  digest: requestDigest(request),
  parties: [request.requester, request.beneficiary, 'person/sponsor'],
  guardedBy: ['mfa'],
  withinMs: HOUR,
  atMs: HOUR,
  ...changes,
});
const grant = (request: AccessRequest, changes: Partial<GrantEntry> = {}): GrantEntry => ({
  digest: requestDigest(request),
  request: request.id,
  connector: 'warehouse',
  emergency: true,
  requester: request.requester,
  beneficiary: request.beneficiary,
  parties: [request.requester, request.beneficiary],
  participants: ['person/approver'],
  reviewers: ['person/reviewer'],
  reviewDueAtMs: 5 * HOUR,
  grantedAtMs: HOUR,
  expiresAtMs: 2 * HOUR,
  ...changes,
});

describe('APB-4 the ledger records requests in the order in which they were submitted', () => {
  test('a request finds those before it, and never those after it, however often it is assessed', async () => {
    const [first, second] = [aRequest(), aRequest()];
    expect((await ledger.ask(entry(first))).asks).toEqual([]);
    const expected = [expect.objectContaining({ request: first.id, granted: false, approvers: {} })];
    expect((await ledger.ask(entry(second))).asks).toEqual(expected);
    expect((await ledger.ask(entry(first))).asks).toEqual([]);
    expect((await ledger.ask(entry(second))).asks).toEqual(expected);
  });

  test('another request under the same id is another request', async () => {
    const first = aRequest();
    await ledger.ask(entry(first));
    const imitation = { ...first, reason: 'harmless' };
    expect((await ledger.ask(entry(imitation))).asks).toHaveLength(1);
  });

  test('earlier requests count if they are for the same resource and by some of the same parties', async () => {
    await ledger.ask(entry(aRequest()));
    const elsewhere = aRequest({
      entitlement: { connector: 'warehouse', resource: 'other', action: 'read' },
    });
    expect((await ledger.ask(entry(elsewhere))).asks).toEqual([]);
    expect((await ledger.ask(entry(aRequest(), { parties: ['person/stranger'] }))).asks).toEqual([]);
    expect((await ledger.ask(entry(aRequest(), { atMs: 2 * HOUR, withinMs: HOUR - 1 }))).asks).toEqual([]);
  });

  test('a request against a control bears on everything that the control guards', async () => {
    const entitlement = { connector: 'identity', resource: 'mfa', action: 'disable' };
    const stopped = entry(aRequest({ entitlement }), { control: 'mfa' });
    await ledger.ask(stopped);
    await ledger.assessed(stopped.digest, { ...needsApproval(), outcome: 'hard_stop' });
    const { asks } = await ledger.ask(entry(aRequest()));
    expect(asks).toEqual([expect.objectContaining({ control: 'mfa' })]);
  });

  test('the first assessment stays, and an end only ever becomes more exact', async () => {
    const request = aRequest();
    await ledger.ask(entry(request));
    await ledger.assessed(requestDigest(request), needsApproval());
    await ledger.assessed(requestDigest(request), { ...needsApproval(), outcome: 'permit' });
    await ledger.ended(request.id, 'ended', HOUR);
    await ledger.ended(request.id, 'denied', 2 * HOUR, 'person/lead');
    await ledger.ended(request.id, 'ended', 3 * HOUR);
    await ledger.ended(request.id, 'withdrawn', 3 * HOUR);
    const { asks } = await ledger.ask(entry(aRequest()));
    expect(asks).toEqual([
      expect.objectContaining({
        outcome: 'approve',
        end: 'denied',
        endedBy: 'person/lead',
        approvers: { leads: needsApproval().path?.stages[0]?.eligible },
      }),
    ]);
  });
});

describe('APB-4 no number of other requests pushes a denial off the record', () => {
  /** Many like a request, after it, each otherwise as said. */
  const flood = (of: AccessRequest, columns: { readonly entitlement?: string; readonly end?: string }) =>
    postgres.query(
      `INSERT INTO countersign.ask (digest, request_id, requester, beneficiary, parties, resource, entitlement, asked_at_ms, outcome, end_how)
       SELECT 'flood-' || n, 'flood-' || n, requester, beneficiary, parties, resource,
              ${columns.entitlement === undefined ? 'entitlement' : `'${columns.entitlement}'`}, asked_at_ms, 'permit',
              ${columns.end === undefined ? 'NULL' : `'${columns.end}'`}
         FROM countersign.ask, generate_series(1, 250) n WHERE request_id = '${of.id}'`,
    );
  const denied = async () => {
    const request = aRequest();
    await ledger.ask(entry(request));
    await ledger.ended(request.id, 'denied', HOUR, 'person/lead');
    return request;
  };
  const seenBy = async (request: AccessRequest) => {
    const { asks } = await ledger.ask(entry(request));
    return asks.map((ask) => ask.request);
  };

  test('requests that led to access', async () => {
    const request = await denied();
    await flood(request, {});
    await ledger.granted(grant(request, { digest: 'sha-256:any' }));
    await postgres.query(
      `INSERT INTO countersign.grant_record
       SELECT a.digest, a.request_id, g.connector, false, a.requester, a.beneficiary, a.parties, '{}', '{}', 0, 0
         FROM countersign.ask a, countersign.grant_record g WHERE a.digest LIKE 'flood-%'`,
    );
    expect(await seenBy(aRequest())).toEqual([request.id]);
  });

  test.each([
    ['such as are open', {}],
    [
      'such as are for something else on the same resource',
      { entitlement: 'warehouse:payments#inspect', end: 'ended' },
    ],
    ['such as are open, for something else', { entitlement: 'warehouse:payments#inspect' }],
  ])('%s', async (_, columns) => {
    const request = await denied();
    await flood(request, columns);
    const seen = await seenBy(aRequest());
    expect(seen).toContain(request.id);
    expect(seen.length).toBeLessThanOrEqual(101);
  });
});

describe('APB-4 how far back the ledger looks', () => {
  test('an earlier request is as recent as its end', async () => {
    const request = aRequest();
    await ledger.ask(entry(request));
    await ledger.ended(request.id, 'denied', 70 * HOUR, 'person/lead');
    const at = (atMs: number) => ledger.ask(entry(aRequest(), { atMs, withinMs: 24 * HOUR }));
    expect((await at(71 * HOUR)).asks).toContainEqual(
      expect.objectContaining({ request: request.id, endedAtMs: 70 * HOUR }),
    );
    expect((await at(95 * HOUR)).asks.map((ask) => ask.request)).not.toContain(request.id);
  });

  test('counting starts when a request was first submitted, so waiting hides nothing', async () => {
    const [first, second] = [aRequest(), aRequest()];
    await ledger.ask(entry(first));
    await ledger.ended(first.id, 'denied', 2 * HOUR, 'person/lead');
    for (const atMs of [3 * HOUR, 300 * HOUR])
      expect(await ledger.ask(entry(second, { atMs, withinMs: 24 * HOUR }))).toMatchObject({
        asks: [{ request: first.id }],
        askedAtMs: 3 * HOUR,
      });
  });

  test('if two assess a request for the first time at once, both find its past', async () => {
    for (const _ of Array.from({ length: 10 })) {
      await postgres.query('TRUNCATE countersign.ask');
      const first = aRequest();
      await ledger.ask(entry(first));
      const second = entry(aRequest());
      const answers = await Promise.all([1, 2, 3, 4].map(() => ledger.ask(second)));
      expect(answers.map(({ asks }) => asks.map((ask) => ask.request))).toEqual(
        answers.map(() => [first.id]),
      );
    }
  });
});

describe('APB-3 reported denials', () => {
  const report = { id: 'gw/1', reportedBy: 'service/gw', reasonCode: 'NO', deniedAtMs: HOUR };

  test('a denial by a control is found behind any number of others', async () => {
    const request = aRequest();
    const { connector, resource } = request.entitlement;
    await ledger.reportDenial({ ...report, subject: request.requester, control: 'mfa' });
    await postgres.query(
      `INSERT INTO countersign.denial (id, reported_by, subject, resource, reason_code, denied_at_ms)
       SELECT 'flood-' || n, 'service/gw', '${request.requester}', '${connector}:${resource}', 'NO', ${HOUR} + n
         FROM generate_series(1, 250) n`,
    );
    const { denials } = await ledger.ask(entry(request));
    expect(denials.map((denial) => denial.id)).toContain('gw/1');
  });

  test('count if they are about the requester or beneficiary, and about the resource or a control that guards it, once each', async () => {
    const request = aRequest();
    const { connector, resource } = request.entitlement;
    const about = { subject: request.beneficiary, resource: `${connector}:${resource}` };
    for (const one of [
      { ...report, ...about },
      { ...report, ...about, reasonCode: 'AGAIN' },
      { ...report, id: 'gw/2', subject: request.requester, control: 'mfa' },
      { ...report, id: 'gw/3', subject: 'agent/another', control: 'mfa' },
      { ...report, id: 'gw/4', subject: request.requester, control: 'log-retention' },
    ])
      await ledger.reportDenial(one);
    const { denials } = await ledger.ask(entry(request));
    expect(denials.map((denial) => [denial.id, denial.reasonCode]).sort()).toEqual([
      ['gw/1', 'NO'],
      ['gw/2', 'NO'],
    ]);
  });
});

describe('EMG-3, FRI-6, FRI-7 grants, the reviews they owe, and whether they are over', () => {
  test('recording a grant again never makes it lighter: a retried act may end later', async () => {
    const request = aRequest();
    const later = { expiresAtMs: 3 * HOUR, reviewDueAtMs: 9 * HOUR, participants: ['person/second'] };
    await ledger.granted(grant(request));
    await ledger.granted(grant(request, later));
    await ledger.granted(grant(request));
    expect(await ledger.grantOf(requestDigest(request))).toMatchObject({
      expiresAtMs: 3 * HOUR,
      reviewDueAtMs: 5 * HOUR,
      participants: expect.arrayContaining(['person/approver', 'person/second']),
    });
  });

  test('a grant is removed by its digest, or by its id on its own target, but never after its review', async () => {
    const [byDigest, byId, reviewed] = [aRequest(), aRequest(), aRequest()];
    for (const request of [byDigest, byId, reviewed]) await ledger.granted(grant(request));
    await ledger.reviewed(requestDigest(reviewed), 'person/reviewer', 'unjustified', 2 * HOUR);
    await ledger.neverGranted({ digest: requestDigest(byDigest) });
    await ledger.neverGranted({ request: byId.id, connector: 'elsewhere' });
    expect(await ledger.grantOf(requestDigest(byDigest))).toBeUndefined();
    expect(await ledger.grantOf(requestDigest(byId))).toBeDefined();
    for (const { id } of [byId, reviewed]) await ledger.neverGranted({ request: id, connector: 'warehouse' });
    expect(await ledger.grantOf(requestDigest(byId))).toBeUndefined();
    expect(await ledger.grantOf(requestDigest(reviewed))).toBeDefined();
  });

  test('a grant is open until its end, or until it is over', async () => {
    const request = aRequest();
    await ledger.granted(grant(request));
    expect(await ledger.openGrants(2 * HOUR)).toEqual([]);
    await ledger.over(request.id, HOUR);
    expect(await ledger.openGrants(HOUR)).toEqual([]);
  });

  test('everyone who took part finds the owed review until it is done; the verdict stays', async () => {
    const request = aRequest();
    await ledger.granted(grant(request));
    const next = (parties: readonly string[]) => ledger.ask(entry(aRequest(), { parties }));
    for (const who of [request.requester, 'person/approver']) {
      const { grants } = await next([who]);
      expect(grants).toEqual([expect.objectContaining({ request: request.id, reviewDueAtMs: 5 * HOUR })]);
    }
    expect((await next(['person/stranger'])).grants).toEqual([]);
    await ledger.reviewed(requestDigest(request), 'person/reviewer', 'unjustified', 3 * HOUR);
    await ledger.reviewed(requestDigest(request), 'person/other', 'justified', 4 * HOUR);
    const [paid] = (await next([request.requester])).grants;
    expect(paid).toMatchObject({ verdict: 'unjustified', emergency: true });
    expect(paid).not.toHaveProperty('reviewDueAtMs');
  });

  test('a granted request does not count as refused', async () => {
    const request = aRequest();
    await ledger.ask(entry(request));
    expect((await ledger.ask(entry(aRequest()))).asks).toHaveLength(1);
    await ledger.granted(grant(request));
    const { asks } = await ledger.ask(entry(aRequest()));
    expect(asks.map((ask) => ask.request)).not.toContain(request.id);
  });

  test('an overdue review is found behind any number of newer ones and of emergencies', async () => {
    const request = aRequest();
    await ledger.granted(grant(request));
    await postgres.query(
      `INSERT INTO countersign.grant_record
       SELECT 'newer-' || n, 'newer-' || n, connector, n % 2 = 0, requester, beneficiary, parties, participants, reviewers,
              granted_at_ms + n, expires_at_ms, NULL, review_due_at_ms + n, NULL, NULL, CASE n % 2 WHEN 0 THEN 1 END
         FROM countersign.grant_record, generate_series(1, 500) n`,
    );
    const { grants } = await ledger.ask(entry(aRequest(), { atMs: 6 * HOUR, withinMs: 6 * HOUR }));
    expect(grants.map((one) => one.request)).toContain(request.id);
  });
});
