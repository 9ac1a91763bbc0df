import { createHash } from 'node:crypto';
import { boundOf, hashOf, isWithin } from '../../../src/gateway/pdp/binding';

const SCOPE = {
  subject: { type: 'ci', id: 'payments', properties: { act: { sub: 'x', iss: 'y' }, team: 'a' } },
  resource: { type: 'warehouse', id: 'payments' },
  action: { name: 'write', properties: { rows: 1e3, soft: false } },
  context: { ticket: 'OPS-1', time: 'now' },
};

/* The hashed form of a binding, by the one construction that the profile fixes ("Binding Token Integrity"). */
describe('ARAP binding_hash', () => {
  it('is SHA-256 over canonical JSON of subject without actor, resource, action and relevant context', () => {
    // Written out by hand: members sorted, no space, numbers as RFC 8785 has them.
    const canonical =
      '{"action":{"name":"write","properties":{"rows":1000,"soft":false}},"context":{"ticket":"OPS-1"},' +
      '"resource":{"id":"payments","type":"warehouse"},' +
      '"subject":{"id":"payments","properties":{"team":"a"},"type":"ci"}}';
    const expected = createHash('sha256').update(canonical).digest('base64url');
    expect(boundOf(SCOPE)).toEqual({ binding_hash: expected, binding_context_members: ['ticket'] });
  });

  it('an actor may move to another place, and volatile context may change; nothing else may', () => {
    const bound = boundOf(SCOPE);
    const { act: _act, ...properties } = SCOPE.subject.properties;
    expect(isWithin(bound, { ...SCOPE, subject: { ...SCOPE.subject, properties } })).toBe(true);
    expect(isWithin(bound, { ...SCOPE, context: { ticket: 'OPS-1', time: 'later' } })).toBe(true);
    for (const changed of [
      { ...SCOPE, subject: { ...SCOPE.subject, id: 'other' } },
      { ...SCOPE, subject: { ...SCOPE.subject, properties: { team: 'b' } } },
      { ...SCOPE, resource: { ...SCOPE.resource, properties: {} } },
      { ...SCOPE, action: { name: 'write' } },
      { ...SCOPE, context: { ticket: 'OPS-2' } },
      { ...SCOPE, context: {} },
    ])
      expect(isWithin(bound, changed)).toBe(false);
    // Not bound then, looked at now.
    expect(isWithin(boundOf({ ...SCOPE, context: {} }), SCOPE)).toBe(false);
  });

  it('what is no JSON equals nothing, not even itself', () => {
    const odd = { ...SCOPE, action: { name: 'write', properties: { big: 10n } } };
    expect(hashOf(odd, [])).not.toBe(hashOf(odd, []));
  });
});
