import { aRequest, DAY, HOUR, permitted, recognition, START } from '../../support/domain/builders';
import { assess, at, granted, madeAt, says, saysAbout, submit } from '../../support/domain/commands';
import { awaitingApproval, awaitingOneLead, provisioning } from '../../support/domain/courses';
import { LEAD_1, LEAD_2, REQUESTER } from '../../support/domain/people';
import { given } from '../../support/domain/specification';

describe('TTA-1 recognition and approval are separate facts', () => {
  it('are recorded as events of their own', () => {
    given(submit())
      .when(assess())
      .thenFollows({ type: 'recognised', recognition }, 'assessed', { type: 'stage_opened', stage: 'leads' });
  });

  it('a requester recognised ever so well gets nothing by it', () => {
    const well = { ...assess(), recognition: { ...recognition, assurance: 'phishing-resistant' as const } };
    given(submit())
      .when(well)
      .thenFollows('recognised', 'assessed', 'stage_opened')
      .andIs('awaiting_approval');
  });
});

describe('TTA-2 nothing executes without an independent verification', () => {
  it('policy alone lets a request through only where it says so, and that is recorded', () => {
    given(submit())
      .when(assess(permitted()))
      .thenFollows('recognised', 'assessed', 'permitted', 'provisioning_started');
  });

  it.each([
    ['nothing was submitted', []],
    ['it was not assessed', [submit()]],
    ['approvals are awaited', awaitingApproval()],
    ['one approval is missing', [...awaitingApproval(), says(LEAD_1, 'approve')]],
    ['it was withdrawn meanwhile', [...provisioning(), says(REQUESTER, 'withdraw')]],
  ])('a grant that is reported while %s is not believed', (_, history) => {
    given(...history)
      .when(granted())
      .thenNothingHappened();
  });
});

describe('TTA-3 approval is bound to the exact request', () => {
  it.each([
    ['a longer duration', aRequest({ durationMs: 3 * HOUR })],
    ['another beneficiary', aRequest({ beneficiary: 'service/other' })],
    [
      'another target',
      aRequest({ entitlement: { connector: 'postgres', resource: 'payroll', action: 'write' } }),
    ],
    ['another id', aRequest({ id: 'request-0002' })],
  ])('one signed for %s does not count', (_, other) => {
    given(...awaitingOneLead())
      .when(saysAbout(other, LEAD_1, 'approve'))
      .thenRefused('DIGEST_MISMATCH');
  });

  it('the right digest with another id does not count, nor the right id with another digest', () => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', { request: 'request-0002' }))
      .thenRefused('DIGEST_MISMATCH');
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', { digest: 'sha-256:' }))
      .thenRefused('DIGEST_MISMATCH');
  });

  it('no statement counts for what could not be read', () => {
    const rejected = {
      type: 'reject_submission',
      atMs: START,
      refusal: { code: 'MALFORMED', detail: 'it does not hold' },
    } as const;
    given(rejected).when(says(LEAD_1, 'approve')).thenRefused('DIGEST_MISMATCH').andIs('refused');
  });

  it('a statement counts once, also for another verb or in the name of another', () => {
    const history = [...awaitingApproval(), says(LEAD_1, 'approve', { jti: 'once' })];
    given(...history)
      .when(says(LEAD_1, 'approve', { jti: 'once' }))
      .thenRefused('REPLAYED');
    given(...history)
      .when(says(LEAD_1, 'deny', { jti: 'once' }))
      .thenRefused('REPLAYED');
    given(...history)
      .when(says(LEAD_2, 'approve', { jti: 'once' }))
      .thenRefused('REPLAYED');
  });

  it('a statement of which the effect has lapsed cannot be used again', () => {
    const short = says(LEAD_1, 'approve', madeAt(0, HOUR / 2));
    given(...awaitingApproval(), short)
      .when(at(HOUR / 2, says(LEAD_1, 'approve')))
      .thenFollows('approval_lapsed', 'statement_refused');
  });

  it.each([
    ['EXPIRED_STATEMENT', 'has expired', madeAt(-HOUR, HOUR)],
    ['EXPIRED_STATEMENT', 'is dated beyond what clocks differ by', madeAt(60_001)],
    ['MALFORMED', 'would live longer than a day', madeAt(0, DAY + 1)],
  ] as const)('is %s where it %s', (code, _, claims) => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', claims))
      .thenRefused(code);
  });

  it('allows for a signer whose clock is a minute ahead', () => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', madeAt(60_000)))
      .thenFollows('approval_counted', 'stage_completed', 'approved', 'provisioning_started');
  });
});
