import { pageOriginOf, returnPath } from '../../../src/web/origin';

describe('WEB-2 pages are where a passkey can be', () => {
  test.each<[string, string | undefined]>([
    ['https://access.example.com', 'https://access.example.com'],
    ['http://127.0.0.1:8080', 'http://localhost:8080'],
    ['http://[::1]:8080', 'http://localhost:8080'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['http://0.0.0.0:8080', undefined],
    ['http://gateway.internal', undefined],
    ['https://access.example.com/gateway', undefined],
  ])('%s', (publicUrl, origin) => {
    expect(pageOriginOf(publicUrl)).toBe(origin);
  });
});

describe('WEB-6 after signing in nobody is sent elsewhere', () => {
  const ORIGIN = 'https://access.example.com';

  test.each(['/', '/requests/abcdefgh-1', '/ask?entitlement=a%3Ab%23c'])('%s is followed', (path) => {
    expect(returnPath(path, ORIGIN)).toBe(path);
  });

  test.each([
    undefined,
    '',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/..//evil.example',
    '\\/evil.example',
    'javascript:alert(1)',
    '/%0d%0aset-cookie:a=b\r\n',
    '/sign-in?to=/',
    '/sign-in/return?code=x',
    '/sign-in/provider',
    `/${'a'.repeat(2_000)}`,
  ])('%s is not', (path) => {
    expect(returnPath(path, ORIGIN)).toBe('/');
  });
});
