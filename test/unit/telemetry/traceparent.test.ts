import vm from 'node:vm';
import fc from 'fast-check';
import {
  readTraceHeader,
  readTraceParent,
  traceHeader,
  writeTraceParent,
} from '../../../src/contracts/traceparent';

const GOOD = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('FRI-4 the trace of a caller is read as untrusted input', () => {
  test('what is exactly a traceparent is carried as it is', () => {
    const read = readTraceParent(GOOD);
    expect(read && writeTraceParent(read)).toBe(GOOD);
    expect(readTraceHeader({ traceparent: traceHeader(GOOD) })).toBe(GOOD);
  });

  test('also from the byte array of another realm, which the sandbox of a workflow has', () => {
    const data = vm.runInNewContext('Uint8Array.from(text, (c) => c.charCodeAt(0))', { text: `"${GOOD}"` });
    expect(data instanceof Uint8Array).toBe(false);
    expect(readTraceHeader({ traceparent: { metadata: {}, data } })).toBe(GOOD);
  });

  test.each([
    GOOD.toUpperCase(),
    `${GOOD}-more`,
    GOOD.replace(/^00/, '01'),
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    `${GOOD} `,
    '',
  ])('%p is as if it were not there', (text) => {
    expect(readTraceParent(text)).toBeUndefined();
    expect(readTraceHeader({ traceparent: traceHeader(text) })).toBeUndefined();
  });

  test('anything at all in the header yields nothing, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record({ data: fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 80 })) }),
        ),
        (value) => {
          expect(readTraceHeader({ traceparent: value })).toBeUndefined();
        },
      ),
    );
  });
});
