import { defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { payloadConverter, UNDECODABLE } from '../../../src/workflows/payload-converter';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('EMG-2 no payload can stop the timer that ends a grant', () => {
  test.each([
    ['JSON that is none', { metadata: { encoding: bytes('json/plain') }, data: bytes('{"a":') }],
    ['an encoding nobody knows', { metadata: { encoding: bytes('json/secret') }, data: bytes('{}') }],
    ['no encoding at all', { data: bytes('{}') }],
    ['no metadata, no data', {}],
    ['protobuf without a type', { metadata: { encoding: bytes('binary/protobuf') }, data: bytes('x') }],
  ])('%s becomes a marker', (_, payload) => {
    expect(() => defaultPayloadConverter.fromPayload(payload)).toThrow();
    expect(payloadConverter.fromPayload(payload)).toEqual(UNDECODABLE);
  });

  test('a payload nested too deeply to be written again becomes a marker; brackets in a string do not count', () => {
    const decode = (data: string) =>
      payloadConverter.fromPayload({ metadata: { encoding: bytes('json/plain') }, data: bytes(data) });
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    const deepest = decode(nested(64));
    expect(JSON.stringify(deepest)).toBe(nested(64));
    expect(decode(nested(65))).toEqual(UNDECODABLE);
    expect(decode(nested(500_000))).toEqual(UNDECODABLE);
    expect(decode(`{"a":"${'['.repeat(1_000)}\\"${'{'.repeat(1_000)}"}`)).toEqual({
      a: `${'['.repeat(1_000)}"${'{'.repeat(1_000)}`,
    });
  });

  test('any bytes under any encoding', () => {
    const encodings = fc.constantFrom(
      'json/plain',
      'binary/null',
      'binary/plain',
      'json/protobuf',
      'nonsense',
    );
    fc.assert(
      fc.property(encodings, fc.uint8Array(), (encoding, data) => {
        payloadConverter.fromPayload({ metadata: { encoding: bytes(encoding) }, data });
      }),
    );
  });

  test('a valid payload passes through unchanged', () => {
    const value = { format: 'jws', jws: 'a.b.c' };
    expect(payloadConverter.fromPayload(payloadConverter.toPayload(value))).toEqual(value);
  });
});
