import { makeRequest } from '../../../src/client';

const DRAFT = {
  requester: 'agent/atlas',
  entitlement: 'warehouse:reporting#read',
  duration: '1h30m',
  reason: 'weekly report',
} as const;

describe('makeRequest completes what a requester chose', () => {
  test('with a new id, the requester as beneficiary, and now as its time', () => {
    const before = Date.now();
    const { id, submittedAtMs, ...rest } = makeRequest(DRAFT);
    expect(rest).toEqual({
      kind: 'access',
      requester: 'agent/atlas',
      beneficiary: 'agent/atlas',
      entitlement: { connector: 'warehouse', resource: 'reporting', action: 'read' },
      durationMs: 5_400_000,
      emergency: false,
      reason: 'weekly report',
      onBehalfOf: [],
    });
    expect(submittedAtMs).toBeGreaterThanOrEqual(before);
    expect(makeRequest(DRAFT).id).not.toBe(id);
  });

  test('an exact action makes it an execution, a condition makes it an emergency', () => {
    const parameters = { tool: 'psql', toolVersion: '1', target: 'warehouse', arguments: {} };
    expect(makeRequest({ ...DRAFT, parameters }).kind).toBe('execution');
    expect(makeRequest({ ...DRAFT, emergencyCondition: 'outage' }).emergency).toBe(true);
    expect(makeRequest({ ...DRAFT, id: 'request-1234' }).id).toBe('request-1234');
  });

  test.each([
    [{ entitlement: 'warehouse' }, /entitlement: "warehouse" is not of the form connector:resource#action/],
    [{ duration: 'soon' }, /duration: "soon" is not a duration; write it like/],
    [{ duration: '400d' }, /durationMs/],
    [{ requester: 'Mallory' }, /requester/],
    [{ reason: 'two\nlines' }, /reason: must be one line/],
  ])('%j is refused with one clear error', (change, message) => {
    expect(() => makeRequest({ ...DRAFT, ...change })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(message) }),
    );
  });
});
