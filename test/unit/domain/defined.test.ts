import { defined } from '../../../src/domain/defined';

test('drops the members that are undefined, and only those', () => {
  const members: { a: string; b?: number | undefined; c: null; d: false; e: 0; f: '' } = {
    a: 'kept',
    b: undefined,
    c: null,
    d: false,
    e: 0,
    f: '',
  };
  const kept: { a: string; b?: number; c: null; d: false; e: 0; f: '' } = defined(members);
  expect(kept).toStrictEqual({ a: 'kept', c: null, d: false, e: 0, f: '' });
});

test('leaves what it was called with as it was', () => {
  const members = { a: 1, b: undefined };
  defined(members);
  expect(members).toStrictEqual({ a: 1, b: undefined });
});
