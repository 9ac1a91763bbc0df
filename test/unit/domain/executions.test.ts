import { aRequest, HOUR } from '../../support/domain/builders';
import { at, saysAbout } from '../../support/domain/commands';
import { activeByPolicy } from '../../support/domain/courses';
import { LEAD_1, RECORDER, REQUESTER } from '../../support/domain/people';
import { given, stateAfter, viewAfter } from '../../support/domain/specification';

const execution = aRequest({
  kind: 'execution',
  parameters: {
    tool: 'migrate',
    toolVersion: '1',
    target: 'payments',
    arguments: { statements: ['SELECT 1'] },
  },
  containment: 'stop the pipeline',
  rollback: 'run the reverse migration',
});
const underWay = activeByPolicy(execution);
const reports = (
  outcome: 'redeemed' | 'redemption_refused' | 'succeeded' | 'failed' | 'unknown',
  jti = outcome,
) => saysAbout(execution, RECORDER, 'report', { outcome, jti, reporter: 'ci/payments' });

describe('AGE-5 the outcome of an execution is recorded against its decision', () => {
  it('use, refused use and end', () => {
    const state = viewAfter(
      ...underWay,
      reports('redeemed'),
      reports('redemption_refused'),
      reports('succeeded'),
    );
    expect(state.execution).toMatchObject({
      redeemedBy: 'ci/payments',
      refusedRedemptions: 1,
      outcome: 'succeeded',
    });
    expect(state.status).toBe('active');
  });

  it('a token is used once, and an end stays', () => {
    given(...underWay, reports('redeemed'))
      .when(reports('redeemed', 'redeemed-again' as 'redeemed'))
      .thenRefused('NOT_NOW');
    given(...underWay, reports('redeemed'), reports('failed'))
      .when(reports('succeeded'))
      .thenRefused('NOT_NOW');
  });

  it('only the identity that keeps the record reports, and it says nothing but that', () => {
    for (const who of [REQUESTER, LEAD_1])
      given(...underWay)
        .when(saysAbout(execution, who, 'report', { outcome: 'succeeded' }))
        .thenRefused('NOT_ELIGIBLE');
    given(...underWay)
      .when(saysAbout(execution, RECORDER, 'revoke'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('a flood of refused attempts leaves room for what people say', () => {
    const flood = Array.from({ length: 70 }, (_, index) =>
      reports('redemption_refused', `flood-${index}` as 'redemption_refused'),
    );
    given(...underWay, ...flood)
      .when(at(HOUR / 2, saysAbout(execution, REQUESTER, 'revoke')))
      .thenFollows('ending_ordered');
    expect(stateAfter(...underWay, ...flood).statements).toHaveLength(32);
  });

  it('access has no execution to report on', () => {
    given(...activeByPolicy(aRequest()))
      .when(saysAbout(aRequest(), RECORDER, 'report', { outcome: 'redeemed' }))
      .thenRefused('NOT_NOW');
  });
});
