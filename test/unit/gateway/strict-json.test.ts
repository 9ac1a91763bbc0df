import fc from 'fast-check';
import { parseStrictJson } from '../../../src/gateway/http/strict-json';

const isLargeInteger = (value: unknown): boolean => Number.isInteger(value) && !Number.isSafeInteger(value);

describe('strict JSON', () => {
  it('reads what JSON.parse reads, and yields the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        // JavaScript writes large doubles as integers, which others read with more digits than it has.
        const text = JSON.stringify(value, (_name, one) => (isLargeInteger(one) ? 0 : one));
        const parsed = parseStrictJson(text);
        if (text.includes('__proto__')) return;
        expect(parsed).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws, and never takes what JSON.parse does not', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0041 1e-+.truefalsn') }), (text) => {
        const { ok } = parseStrictJson(text);
        if (!ok) return;
        expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 5_000 },
    );
  });

  it('finds a member that is there twice wherever it is, however it is written', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__'),
        fc.nat(6),
        (name, depth) => {
          const written = JSON.stringify(name);
          const escaped = `"${[...name].map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')).join('')}"`;
          const twice = `{${written}:1,"between":[{"x":[]}],${escaped}:2}`;
          const text = `${'[{"a":'.repeat(depth)}${twice}${'}]'.repeat(depth)}`;
          expect(parseStrictJson(text)).toMatchObject({ ok: false });
        },
      ),
    );
    expect(parseStrictJson('{"a":{"b":1},"c":{"b":1},"d":["a","a"]}')).toMatchObject({ ok: true });
  });

  it('TTA-3 takes no number that someone else would read as another', () => {
    const isTaken = (number: string) => parseStrictJson(`{"id":[${number}]}`).ok;
    for (const number of [
      ...['9007199254740992', '9007199254740993', '-9007199254740993', '100000000000000000000'],
      ...['9007199254740993.0', '9.007199254740993e15', '0.1000000000000000055', '1e-400', '1e999'],
      ...['3.141592653589793238', '1.0000000000000001', '-0.30000000000000004441'],
    ])
      expect([number, isTaken(number)]).toEqual([number, false]);
    for (const number of [
      ...['9007199254740991', '-9007199254740991', '0', '-0', '0.0', '1.50', '100', '1e2', '1E+2', '1e300'],
      ...['0.1', '0.30000000000000004', '5e-324', '1.7976931348623157e308', '0e99999'],
    ])
      expect([number, isTaken(number)]).toEqual([number, true]);
  });

  it('TTA-3 reads no two different decimals as the same number', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 18n), fc.integer({ min: -20, max: 20 }), (digits, power) => {
        const [one, other] = [`${digits}e${power}`, `${digits + 1n}e${power}`];
        const read = [one, other].map((text) => parseStrictJson(text));
        if (Number(one) === Number(other)) expect(read.map(({ ok }) => ok)).toContain(false);
      }),
      { numRuns: 5_000 },
    );
  });
});
