import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { digestOf, digestOfText, requestDigest, tryDigestOf } from '../../../src/domain/digest';
import type { AccessRequest } from '../../../src/domain/request';
import { anEmergencyRequest, START } from '../../support/domain/builders';
import { tries } from '../../support/domain/effort';

const sha256 = (text: string): string =>
  `sha-256:${createHash('sha256').update(text, 'utf8').digest('base64url')}`;

describe('TTA-3 the digest of a text', () => {
  it('is SHA-256 in base64url, as Node’s own library has it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        (text) => digestOfText(text) === sha256(text),
      ),
      { numRuns: tries(100) },
    );
    for (const text of ['', 'a', 'ab', 'abc', 'sägewerk', '水', '😀'])
      expect(digestOfText(text)).toBe(sha256(text));
  });
});

describe('TTA-3 the digest of data is over its canonical form (RFC 8785)', () => {
  it('the example of section 3.2.2', () => {
    const value: unknown = JSON.parse(
      String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    );
    const canonical = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`;
    expect(digestOf(value)).toBe(sha256(canonical));
  });

  it('the sorting example of section 3.2.3: by UTF-16 code units', () => {
    const value: unknown = JSON.parse(
      String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
    );
    const canonical = `{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}`;
    expect(digestOf(value)).toBe(sha256(canonical));
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('the number %s of appendix B is written %s', (bits, written) => {
    expect(digestOf(Buffer.from(bits, 'hex').readDoubleBE())).toBe(sha256(written));
  });

  it('does not depend on the order of members, nor on members that are not there', () => {
    expect(digestOf({ b: 1, a: [{ d: 2, c: 3 }] })).toBe(
      digestOf({ a: [{ c: 3, d: 2 }], b: 1, e: undefined }),
    );
  });

  it.each([
    ['an element’s place', [1, 2], [2, 1]],
    ['a number and its text', 1, '1'],
    ['nothing and a text', null, 'null'],
    ['a member named __proto__', JSON.parse('{"__proto__":{"admin":true}}'), {}],
    ['an unpaired surrogate and how it is written', '\ud800', '\\ud800'],
    ['composed and decomposed letters', '\u00f6', 'o\u0308'],
    ['a list in a list', [[1], 2], [1, [2]]],
    ['what looks like a border', ['a","b'], ['a', 'b']],
  ])('tells %s from another', (_, one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other));
  });

  it('two values have one digest only if they are the same JSON', () => {
    const pairs = fc.tuple(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }));
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        const isSame = sorted(one) === sorted(other);
        return (digestOf(one) === digestOf(other)) === isSame;
      }),
      { numRuns: tries(300) },
    );
  });

  it('what is not JSON has none', () => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, { deep: [1n] }])
      expect(tryDigestOf(value)).toMatchObject({ ok: false, refusal: { code: 'MALFORMED' } });
    expect(tryDigestOf({ a: 1 })).toEqual({ ok: true, value: sha256('{"a":1}') });
  });
});

describe('TTA-3 the digest of a request covers every field of it', () => {
  const request: Required<AccessRequest> = {
    ...anEmergencyRequest(),
    kind: 'execution',
    notBeforeMs: START,
    emergencyCondition: 'ledger-down',
    ticket: 'OPS-17',
    presented: { subject: { email: 'a@b.example' }, resource: { rows: 3 }, action: { dry: true } },
    parameters: {
      tool: 'psql',
      toolVersion: '16',
      target: 'ledger',
      arguments: { sql: 'select 1', rows: [1, null] },
    },
    containment: 'stop the replica',
    rollback: 'restore the snapshot',
  };
  const digest = requestDigest(request);
  const changes = [...oneChangeEach(request, [])];

  it.each(changes)('%s', (_, changed) => {
    expect(digestOf(changed)).not.toBe(digest);
  });

  it('and no two of those changes have the same digest', () => {
    expect(new Set(changes.map(([, changed]) => digestOf(changed))).size).toBe(changes.length);
    expect(changes.length).toBeGreaterThan(40);
  });
});

/** The value with each leaf changed, and with each member left out, one at a time. */
function* oneChangeEach(
  value: unknown,
  path: readonly string[],
): Generator<[path: string, changed: unknown]> {
  const where = path.join('.');
  if (typeof value !== 'object' || value === null) {
    yield [`${where} changed`, typeof value === 'number' ? value + 1 : `${String(value)} changed`];
    return;
  }
  if (Array.isArray(value)) yield [`${where} longer`, [...value, 'more']];
  else yield [`${where}${where && '.'}addition added`, { ...value, addition: true }];
  for (const [name, member] of Object.entries(value)) {
    const place = (changed: unknown) =>
      Array.isArray(value)
        ? value.map((one, at) => (at === Number(name) ? changed : one))
        : { ...value, [name]: changed };
    if (!Array.isArray(value)) yield [`${[...path, name].join('.')} left out`, place(undefined)];
    for (const [inner, changed] of oneChangeEach(member, [...path, name])) yield [inner, place(changed)];
  }
}

/** Plain JSON with members in order, by means other than the core's. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
