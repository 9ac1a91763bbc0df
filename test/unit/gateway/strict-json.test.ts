import fc from 'fast-check';
import { parseStrictJson } from '../../../src/gateway/http/strict-json';

describe('strict JSON', () => {
  it('reads what JSON.parse reads, and yields the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
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
});
