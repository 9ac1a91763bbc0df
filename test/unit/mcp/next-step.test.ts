import { remedyOnWire } from '../../../src/contracts/remedy';
import { standingSchema } from '../../../src/enforcement/requester';
import { describeStanding } from '../../../src/mcp/answers';
import { sampleRequest } from '../../support/keyring';

const standing = (more: object) =>
  standingSchema.parse({ request: sampleRequest(), status: 'refused', awaiting: [], ...more });
const refusedFor = (code: string, more: object = {}) =>
  standing({ policy: { outcome: 'refuse', reason_codes: [code], explanation: 'why', ...more } });
const HOUR = 3_600_000;

describe('FRI-2 what an agent is told to do next fits the refusal', () => {
  test('DURATION_OVER_LIMIT names the longest duration, in the unit in which the agent asks', () => {
    const told = describeStanding(
      refusedFor('DURATION_OVER_LIMIT', { remedy: remedyOnWire({ atMostMs: 4 * HOUR }) }),
    );
    expect(told.next).toContain('Ask again for at most 240 minutes');
    expect(told.next).not.toContain('list_requestable');
    expect(told).toMatchObject({ policy: { remedy: { at_most_ms: 4 * HOUR, words: 'no more than 4h' } } });
  });

  test('a missing ticket is asked for, and not made up', () => {
    const remedy = remedyOnWire({ ticket: true, atMostMs: 2 * HOUR });
    expect(describeStanding(refusedFor('NO_MATCHING_POLICY', { remedy })).next).toMatch(
      /with the ticket .*do not make one up.* and for at most 120 minutes/,
    );
  });

  test('what only somebody else can ask for is not asked again', () => {
    const remedy = remedyOnWire({ askedBy: 'owner' });
    expect(describeStanding(refusedFor('NO_MATCHING_POLICY', { remedy })).next).toMatch(
      /cannot get it by asking again.*its owner asking/,
    );
  });

  test.each([
    ['NO_ACCOUNT_ON_TARGET', /Tell your owner/],
    ['ASKED_TOO_OFTEN', /Do not ask again now/],
    ['NOT_SUPPORTED', /Use the other tool/],
    ['NO_MATCHING_POLICY', /Call list_requestable/],
  ])('%s', (code, next) => {
    expect(describeStanding(refusedFor(code)).next).toMatch(next);
  });

  test('WEB-5 the account that was granted is told', () => {
    const told = describeStanding(
      standing({ status: 'active', account: 'atlas_agent', until: '2026-11-01T10:00:00.000Z' }),
    );
    expect(told).toMatchObject({ account: 'atlas_agent', until: '2026-11-01T10:00:00.000Z' });
    expect(told.next).toContain('as atlas_agent until 2026-11-01');
  });
});
