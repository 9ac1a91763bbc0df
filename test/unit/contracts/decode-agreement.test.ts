import fc from 'fast-check';
import { signedEnvelopeSchema } from '../../../src/contracts/request';
import { decodeEnvelope } from '../../../src/domain/decode';
import { LIMITS } from '../../../src/domain/limits';

const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const jws = fc.tuple(segment, segment, segment).map((parts) => parts.join('.'));
const envelope = fc.record({ format: fc.constant('jws'), jws });
/** Near misses: the right shape with something wrong about it. */
const nearMiss = fc.oneof(
  fc.record({
    format: fc.constantFrom('jws', 'webauthn', ''),
    jws: fc.oneof(jws, fc.string(), fc.integer()),
  }),
  fc.tuple(envelope, fc.string(), fc.anything()).map(([good, name, value]) => ({ ...good, [name]: value })),
  envelope.map(({ jws: text }) => ({ jws: text })),
);

describe('EMG-2 what arrives at the workflow is decoded without zod, and without throwing', () => {
  test('the small decoder agrees with the schema at the edge, on anything', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.anything({ withNullPrototype: true }), envelope, nearMiss), (value) => {
        const inside = decodeEnvelope(value);
        const edge = signedEnvelopeSchema.safeParse(value);
        if (inside.ok) accepted += 1;
        expect(inside.ok).toBe(edge.success);
        if (inside.ok && edge.success) expect(inside.value).toEqual(edge.data);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  test('a statement at the limit is read, one byte more is TOO_LARGE', () => {
    const ofLength = (length: number) => ({ format: 'jws', jws: `a.b.${'c'.repeat(length - 4)}` });
    expect(decodeEnvelope(ofLength(LIMITS.statementBytes)).ok).toBe(true);
    expect(decodeEnvelope(ofLength(LIMITS.statementBytes + 1))).toMatchObject({
      refusal: { code: 'TOO_LARGE' },
    });
  });
});
