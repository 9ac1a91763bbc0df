import { decodeEnvelope } from '../../../src/domain/decode';
import { LIMITS } from '../../../src/domain/limits';
import { NO_PRECEDENTS } from '../../../src/domain/precedents';
import { isPrincipalId } from '../../../src/domain/principal';
import { snapshotOf } from '../../../src/domain/snapshot';
import { HOUR, leads, needsApproval, START } from '../../support/domain/builders';
import { says, submit } from '../../support/domain/commands';
import { awaitingApproval, expired } from '../../support/domain/courses';
import { BENEFICIARY, DELEGATOR, LEAD_1, LEAD_2, LEAD_3, REQUESTER } from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';

const signed = { format: 'jws', jws: 'aGVhZGVy.cGF5bG9hZA.c2ln_-0' };

describe('TTA-5 whatever a signal carries, it is read as a signed statement or refused as a value', () => {
  it('a signed statement is', () => {
    expect(decodeEnvelope(signed)).toEqual({ ok: true, value: signed });
    const long = { ...signed, jws: `a.b.${'c'.repeat(LIMITS.statementBytes - 4)}` };
    expect(decodeEnvelope(long).ok).toBe(true);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /not a signed statement/],
    ['null', null, /not a signed statement/],
    ['a text', signed.jws, /not a signed statement/],
    ['a list', [signed], /not a signed statement/],
    ['another format', { ...signed, format: 'webauthn' }, /of the form/],
    ['no format', { jws: signed.jws }, /of the form/],
    ['a signature that is no text', { ...signed, jws: 1 }, /of the form/],
    ['more than was signed', { ...signed, approved: true }, /of the form/],
    ['two parts', { ...signed, jws: 'a.b' }, /compact JWS/],
    ['an empty part', { ...signed, jws: 'a..c' }, /compact JWS/],
    ['a part of something else', { ...signed, jws: 'a.b.c d' }, /compact JWS/],
    ['something before it', { ...signed, jws: ' a.b.c' }, /compact JWS/],
  ])('%s is malformed, and the refusal says how', (_, value, detail) => {
    expect(decodeEnvelope(value)).toEqual({
      ok: false,
      refusal: { code: 'MALFORMED', detail: expect.stringMatching(detail) },
    });
  });

  it('one byte more than a statement may have is too large, whatever else it is', () => {
    for (const jws of [`a.b.${'c'.repeat(LIMITS.statementBytes - 3)}`, ' '.repeat(LIMITS.statementBytes + 1)])
      expect(decodeEnvelope({ ...signed, jws })).toMatchObject({
        refusal: { code: 'TOO_LARGE', detail: expect.stringMatching(/16384 bytes/) },
      });
  });

  it.each<[unknown, boolean]>([
    ['person/mira', true],
    ['service/nightly.batch-2_b', true],
    [`ci/${'a'.repeat(63)}`, true],
    [`ci/${'a'.repeat(64)}`, false],
    ['person/', false],
    ['person/Mira', false],
    ['person/-mira', false],
    ['robot/mira', false],
    ['x person/mira', false],
    ['person/mira\n', false],
    [['person/mira'], false],
    [undefined, false],
  ])('%j is the name of a principal: %s', (value, expected) => {
    expect(isPrincipalId(value)).toBe(expected);
  });

  it('a request without a past has an empty one', () => {
    expect(NO_PRECEDENTS).toEqual({ asks: [], denials: [], grants: [] });
  });
});

describe('AUD-5 what everybody may read of a request', () => {
  it('where it stands, who is awaited and until when; nothing of what was signed', () => {
    const snapshot = snapshotOf(stateAfter(...awaitingApproval(), says(LEAD_1, 'approve')));
    expect(snapshot).toMatchObject({
      status: 'awaiting_approval',
      awaiting: [LEAD_2, LEAD_3],
      nextDeadline: { atMs: START + HOUR, summary: 'remind leads' },
      acceptedStatements: 1,
    });
    expect(snapshot).not.toHaveProperty('statements');
    expect(snapshot).not.toHaveProperty('seenStatementIds');
    expect(JSON.stringify(snapshot)).not.toContain('signed.approve');
  });

  it('no deadline where nothing is to come', () => {
    expect(snapshotOf(stateAfter(...expired()))).not.toHaveProperty('nextDeadline');
  });
});

describe('OVR-3 whom a request names is in conflict, whatever an assessment leaves out', () => {
  it.each([
    [REQUESTER, 'requester'],
    [BENEFICIARY, 'beneficiary'],
    [DELEGATOR, 'delegator'],
  ])('%s, as %s', (who, relation) => {
    const history = awaitingApproval(needsApproval([leads()]));
    const human = { id: who, kind: 'person' as const, active: true, roles: ['process-owner'], groups: [] };
    const { events } = given(...history).when(says(who, 'cancel', {}, { signer: human }));
    const detail = `${who} is the ${relation} of this request`;
    expect(events).toMatchObject([{ type: 'statement_refused', refusal: { code: 'CONFLICTED', detail } }]);
  });

  it.each([REQUESTER, BENEFICIARY, DELEGATOR])('%s, even before anybody has assessed it', (who) => {
    const human = { id: who, kind: 'person' as const, active: true, roles: ['process-owner'], groups: [] };
    given(submit())
      .when(says(who, 'cancel', {}, { signer: human }))
      .thenRefused('CONFLICTED');
  });
});
