import { decodeEnvelope } from '../../../src/domain/decode';
import { LIMITS } from '../../../src/domain/limits';
import { envelopeText, relationsNamedIn, type SignedEnvelope } from '../../../src/domain/request';
import { isPassingStatus, isPendingStatus, STATUSES } from '../../../src/domain/status';
import { aRequest } from '../../support/domain/builders';
import { BENEFICIARY, DELEGATOR, LEAD_1, REQUESTER } from '../../support/domain/people';

const passkey = {
  format: 'webauthn',
  claims: '{"verb":"approve"}',
  credentialId: 'Y3JlZGVudGlhbA',
  authenticatorData: 'YXV0aGVudGljYXRvcg',
  clientDataJSON: 'Y2xpZW50',
  signature: 'c2ln_-0',
} as const satisfies SignedEnvelope;
const attested = {
  format: 'attested',
  attested: 'aGVhZGVy.cGF5bG9hZA.c2ln_-0',
} as const satisfies SignedEnvelope;

const PASSKEY_PARTS = ['credentialId', 'authenticatorData', 'clientDataJSON', 'signature'] as const;
const WEBAUTHN_FORM =
  "not of the form { format: 'webauthn', claims, credentialId, authenticatorData, clientDataJSON, signature }";
const ATTESTED_FORM = "not of the form { format: 'attested', attested }";

const refusedWith = (value: unknown, code: string, detail: string) =>
  expect(decodeEnvelope(value)).toEqual({ ok: false, refusal: { code, detail } });

describe('WEB-1 what a passkey signed is read as such, or refused as a value', () => {
  test('all of its members are read', () => {
    expect(decodeEnvelope(passkey)).toEqual({ ok: true, value: passkey });
  });

  test.each([
    'claims',
    ...PASSKEY_PARTS,
  ])('without %s, or with another type in it, it is malformed', (member) => {
    const { [member as keyof typeof passkey]: _, ...others } = passkey;
    refusedWith(others, 'MALFORMED', WEBAUTHN_FORM);
    refusedWith({ ...passkey, [member]: 1 }, 'MALFORMED', WEBAUTHN_FORM);
  });

  test('a member more than it has is malformed', () => {
    refusedWith({ ...passkey, jws: 'a.b.c' }, 'MALFORMED', WEBAUTHN_FORM);
  });

  test.each(PASSKEY_PARTS)('%s has to be base64url from its beginning to its end', (member) => {
    for (const text of ['', 'not base64url', ' YQ', 'YQ ', 'YQ==', 'Y+/Q'])
      refusedWith(
        { ...passkey, [member]: text },
        'MALFORMED',
        'credentialId, authenticatorData, clientDataJSON and signature are base64url',
      );
  });

  test('as long as a statement may be it is read, one character more is too large', () => {
    const spare = LIMITS.statementBytes - envelopeText(passkey).length;
    const ofMore = (more: number) => ({
      ...passkey,
      signature: passkey.signature + 'A'.repeat(spare + more),
    });
    expect(decodeEnvelope(ofMore(0)).ok).toBe(true);
    refusedWith(ofMore(1), 'TOO_LARGE', 'a signed statement may have 16384 bytes');
  });
});

describe('WEB-1 what a channel attests is read as such, or refused as a value', () => {
  test('its one member is read', () => {
    expect(decodeEnvelope(attested)).toEqual({ ok: true, value: attested });
  });

  test.each<[string, unknown]>([
    ['nothing in it', { format: 'attested' }],
    ['another type in it', { ...attested, attested: 1 }],
    ['a member more', { ...attested, jws: attested.attested }],
  ])('with %s it is malformed', (_, value) => {
    refusedWith(value, 'MALFORMED', ATTESTED_FORM);
  });

  test.each(['a.b', 'a..c', ' a.b.c', 'a.b.c ', 'a.b.c.d'])('%j is not a compact JWS', (text) => {
    refusedWith({ ...attested, attested: text }, 'MALFORMED', 'not a compact JWS');
  });

  test('as long as a statement may be it is read, one character more is too large', () => {
    const ofLength = (length: number) => ({ ...attested, attested: `a.b.${'c'.repeat(length - 4)}` });
    expect(decodeEnvelope(ofLength(LIMITS.statementBytes)).ok).toBe(true);
    refusedWith(ofLength(LIMITS.statementBytes + 1), 'TOO_LARGE', 'a signed statement may have 16384 bytes');
  });
});

describe('TTA-3 equal envelopes have equal texts, and others have others', () => {
  test('each member is in the text', () => {
    expect(envelopeText({ format: 'jws', jws: 'a.b.c' })).toBe('a.b.c');
    expect(envelopeText(attested)).toBe(attested.attested);
    expect(envelopeText(passkey).split('\n')).toEqual([
      passkey.claims,
      ...PASSKEY_PARTS.map((member) => passkey[member]),
    ]);
  });
});

describe('OVR-2 in which relations a request names somebody', () => {
  test.each<[typeof REQUESTER, readonly string[]]>([
    [REQUESTER, ['requester']],
    [BENEFICIARY, ['beneficiary']],
    [DELEGATOR, ['delegator']],
    [LEAD_1, []],
  ])('%s: %j', (id, relations) => {
    const request = aRequest({ requester: REQUESTER, beneficiary: BENEFICIARY, onBehalfOf: [DELEGATOR] });
    expect(relationsNamedIn(request, id)).toEqual(relations);
  });

  test('one who is all three is named as all three', () => {
    const request = aRequest({ requester: LEAD_1, beneficiary: LEAD_1, onBehalfOf: [LEAD_1] });
    expect(relationsNamedIn(request, LEAD_1)).toEqual(['requester', 'beneficiary', 'delegator']);
  });
});

describe('FRI-4 which statuses wait, and for whom', () => {
  test('what is pending, and what only waits for the machine', () => {
    expect(STATUSES.filter(isPendingStatus)).toEqual([
      'submitted',
      'assessing',
      'awaiting_approval',
      'approved',
      'provisioning',
    ]);
    expect(STATUSES.filter(isPassingStatus)).toEqual(['submitted', 'assessing', 'approved', 'provisioning']);
  });
});
