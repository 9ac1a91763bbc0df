import type { Verb } from '../../../src/domain/statement';
import { MINUTE } from '../../support/domain/builders';
import { at, madeAt, says } from '../../support/domain/commands';
import { active, awaitingApproval } from '../../support/domain/courses';
import { IAM, LEAD_1, LEAD_2, PROCESS_OWNER, REQUESTER } from '../../support/domain/people';
import { given } from '../../support/domain/specification';

const LIFE = 30 * MINUTE;

describe('TTA-3 a statement counts until it expires, whatever its verb', () => {
  it.each<[Verb, string]>([
    ['approve', LEAD_1],
    ['deny', LEAD_2],
    ['cancel', PROCESS_OWNER],
    ['withdraw', REQUESTER],
  ])('%s', (verb, who) => {
    const said = (afterMs: number) => at(afterMs, says(who, verb, madeAt(0, LIFE)));
    given(...awaitingApproval())
      .when(said(LIFE))
      .thenRefused('EXPIRED_STATEMENT');
    const { events } = given(...awaitingApproval()).when(said(LIFE - 1));
    expect(events.map(({ type }) => type)).not.toContain('statement_refused');
  });

  it('reroute, whose replacement would outlive it', () => {
    const claims = {
      ...madeAt(0, LIFE),
      replacement: { replace: LEAD_1, with: 'person/substitute-1', untilMs: LIFE },
    };
    given(...awaitingApproval())
      .when(at(LIFE, says(IAM, 'reroute', claims)))
      .thenRefused('EXPIRED_STATEMENT');
  });

  it('giving back', () => {
    const said = (afterMs: number) => at(afterMs, says(REQUESTER, 'revoke', madeAt(0, LIFE)));
    given(...active())
      .when(said(LIFE))
      .thenRefused('EXPIRED_STATEMENT');
    given(...active())
      .when(said(LIFE - 1))
      .thenFollows({ type: 'ending_ordered', end: 'revoked' });
  });
});
