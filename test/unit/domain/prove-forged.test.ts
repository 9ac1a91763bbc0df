import { digestOf } from '../../../src/domain/digest';
import { isAuthorisation, proveAuthorised } from '../../../src/domain/prove';
import {
  anEmergencyRequest,
  aRequest,
  DAY,
  DIRECTORY_DIGEST,
  digestFor,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  POLICY_DIGEST,
  permitted,
  START,
  security,
  stopped,
} from '../../support/domain/builders';
import { evidence, kept, proofResult, sufficient } from '../../support/domain/evidence';
import { BENEFICIARY, LEAD_1, LEAD_2, LEAD_3, REQUESTER, SPONSOR } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, submitted } from '../../support/domain/ports';

describe('TTA-2 the act demands the proof', () => {
  it('yields the terms: exactly what was approved, by whom, under what', async () => {
    const offered = evidence();
    const proof = await proveAuthorised(
      offered,
      START + 2 * MINUTE,
      new DirectoryInMemory(),
      new PolicyInMemory(),
    );
    expect(proof.ok && proof.value.terms).toEqual({
      leaseId: 'request-0001',
      kind: 'access',
      requestDigest: digestFor(aRequest()),
      requester: REQUESTER,
      beneficiary: BENEFICIARY,
      entitlement: aRequest().entitlement,
      binding: needsApproval().binding,
      durationMs: 2 * HOUR,
      emergency: false,
      approvedBy: [LEAD_1, LEAD_2],
      participants: [LEAD_1, LEAD_2],
      parties: needsApproval().parties.map((party) => party.id),
      reviewers: needsApproval().reviewers,
      evidenceDigest: digestOf(offered),
      policyDigest: POLICY_DIGEST,
      directoryDigest: DIRECTORY_DIGEST,
      provedAtMs: START + 2 * MINUTE,
    });
  });

  it('yields a value that cannot be made up', async () => {
    const proof = await proveAuthorised(
      evidence(),
      START + MINUTE,
      new DirectoryInMemory(),
      new PolicyInMemory(),
    );
    const authorisation = proof.ok ? proof.value : undefined;
    expect(isAuthorisation(authorisation)).toBe(true);
    for (const forged of [
      undefined,
      null,
      {},
      { ...authorisation },
      { terms: authorisation?.terms },
      Object.create(authorisation ?? null),
    ])
      expect(isAuthorisation(forged)).toBe(false);
  });

  it('is not given for fewer approvals than are asked for', async () => {
    expect(await proofResult(evidence({ statements: [] }))).toBe('NOT_AUTHORISED');
    expect(await proofResult(evidence({ statements: sufficient.slice(1) }))).toBe('NOT_AUTHORISED');
    expect(
      await proofResult(evidence({ statements: [kept(LEAD_1, 'approve'), kept(LEAD_1, 'approve')] })),
    ).toBe('REPLAYED');
  });

  it('is given without approvals only where policy permits today and did when assessed', async () => {
    const bare = { statements: [] };
    const policy = new PolicyInMemory(permitted());
    expect(await proofResult(evidence({ ...bare, assessment: permitted() }), { policy })).toBe('authorised');
    expect(await proofResult(evidence({ ...bare, assessment: permitted() }))).toBe('POLICY_CHANGED');
    expect(await proofResult(evidence(bare), { policy })).toBe('NOT_AUTHORISED');
    expect(await proofResult(evidence(), { policy })).toBe('authorised');
  });

  it('is not given where policy asks for approval but names no path', async () => {
    const { path: _path, ...pathless } = needsApproval();
    const policy = new PolicyInMemory(pathless);
    for (const assessment of [pathless, permitted()])
      expect(await proofResult(evidence({ assessment, statements: [] }), { policy })).toBe('NOT_AUTHORISED');
  });

  it('waits for a confirmation that only policy of today, or only that of then, asks for', async () => {
    const confirmed = needsApproval([leads()], { confirmation: { by: [SPONSOR], before: 'execution' } });
    const statements = [...sufficient, kept(SPONSOR, 'confirm')];
    for (const [assessment, policy] of [
      [confirmed, new PolicyInMemory()],
      [needsApproval(), new PolicyInMemory(confirmed)],
    ] as const) {
      expect(await proofResult(evidence({ assessment }), { policy })).toBe('NOT_AUTHORISED');
      expect(await proofResult(evidence({ assessment, statements }), { policy })).toBe('authorised');
    }
  });
});

describe('TTA-5 forged evidence proves nothing', () => {
  it.each([
    ['made longer', aRequest({ durationMs: 3 * HOUR })],
    ['turned to another action', aRequest({ entitlement: { ...aRequest().entitlement, action: 'own' } })],
    ['given another id', aRequest({ id: 'request-0002' })],
  ])('a request %s is not what its requester signed', async (_, request) => {
    const submission = { ...submitted(aRequest()), request };
    expect(await proofResult(evidence({ submission }))).toBe('BAD_SIGNATURE');
    // And if the requester plays along, it is not what the approvers signed.
    expect(await proofResult(evidence({ submission: submitted(request) }))).toBe('DIGEST_MISMATCH');
  });

  it('a submission signed by another key than the requester’s does not count', async () => {
    expect(await proofResult(evidence({ submission: submitted(aRequest(), LEAD_3) }))).toBe('BAD_SIGNATURE');
  });

  it.each([
    ['a lower quorum', needsApproval([leads({ quorum: 1 })])],
    ['more approvers', needsApproval([leads({ quorum: 1, eligible: [LEAD_1, 'person/mallory'] })])],
    ['fewer stages', needsApproval([leads()])],
    ['no path at all', permitted()],
    ['no parties', needsApproval([leads(), security()], { parties: [] })],
  ])('an assessment that claims %s than policy asks for adds nothing', async (_, assessment) => {
    const policy = new PolicyInMemory(needsApproval([leads(), security()]));
    const statements = [kept(LEAD_1, 'approve'), kept('person/mallory', 'approve'), kept(LEAD_2, 'approve')];
    expect(await proofResult(evidence({ assessment, statements }), { policy })).not.toBe('authorised');
  });

  it('a recorded assessment can only add demands: its binding and reviewers are not believed', async () => {
    const assessment = needsApproval([leads()], {
      binding: { account: 'root', grant: { role: 'superuser' } },
    });
    const proof = await proveAuthorised(
      evidence({ assessment }),
      START + MINUTE,
      new DirectoryInMemory(),
      new PolicyInMemory(),
    );
    expect(proof.ok && proof.value.terms.binding).toEqual(needsApproval().binding);
    const hastier = needsApproval([leads()], { maxDurationMs: HOUR });
    expect(await proofResult(evidence({ assessment: hastier }))).toBe('NOT_AUTHORISED');
  });

  it('a recorded assessment that stopped the request is not turned round', async () => {
    expect(await proofResult(evidence({ assessment: stopped('hard_stop') }))).toBe('NOT_AUTHORISED');
    expect(await proofResult(evidence({ assessment: stopped('refuse') }))).toBe('NOT_AUTHORISED');
  });

  it('an emergency needs its review in today’s policy, too', async () => {
    const request = anEmergencyRequest();
    const statements = [LEAD_1, LEAD_2].map((who) => kept(who, 'approve', {}, MINUTE, request));
    const offered = evidence({ submission: submitted(request), statements });
    expect(await proofResult(offered)).toBe('NOT_AUTHORISED');
    const policy = new PolicyInMemory(needsApproval([leads()], { reviewWithinMs: DAY }));
    expect(await proofResult(offered, { policy })).toBe('authorised');
  });

  it('a denial, a withdrawal or a cancellation in the evidence ends it', async () => {
    for (const end of [
      kept(LEAD_3, 'deny'),
      kept(REQUESTER, 'withdraw'),
      kept('person/process-owner', 'cancel'),
    ]) {
      expect(await proofResult(evidence({ statements: [end, ...sufficient] }))).not.toBe('authorised');
      expect(
        await proofResult(evidence({ statements: [...sufficient.slice(1), end, ...sufficient.slice(0, 1)] })),
      ).not.toBe('authorised');
    }
  });

  it('more statements than a request can take are refused before any is looked at', async () => {
    const statements = Array.from({ length: 65 }, () => kept(LEAD_1, 'approve'));
    expect(await proofResult(evidence({ statements }))).toBe('TOO_LARGE');
  });

  it('what has no canonical form is refused as a value, not thrown', async () => {
    let deep: unknown = [];
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    expect(await proofResult(evidence({ assessment: needsApproval([leads()], { facts: { deep } }) }))).toBe(
      'MALFORMED',
    );
    expect(
      await proofResult(evidence({ assessment: needsApproval([leads()], { maxDurationMs: Number.NaN }) })),
    ).toBe('MALFORMED');
  });

  it('members named after an object’s own workings are data like any other', async () => {
    const request: unknown = JSON.parse(
      `{"kind":"execution","parameters":{"tool":"psql","toolVersion":"1","target":"db","arguments":{"__proto__":{"admin":true}}}}`,
    );
    const other = { ...aRequest(), ...(request as object) };
    expect(await proofResult(evidence({ submission: { ...submitted(aRequest()), request: other } }))).toBe(
      'BAD_SIGNATURE',
    );
    const facts = JSON.parse('{"__proto__":{"outcome":"permit"},"constructor":1}');
    expect(
      await proofResult(evidence({ statements: [], assessment: needsApproval([leads()], { facts }) })),
    ).toBe('NOT_AUTHORISED');
  });
});
