import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  addCodecKey,
  type CodecEndpoint,
  configuredCodecs,
  newReader,
  readReaders,
  startCodecEndpoint,
} from '../../../src/codec';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { payloadConverter } from '../../../src/workflows/payload-converter';

const ORIGIN = 'http://127.0.0.1:8233';
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-codec-'));
const readersFile = path.join(folder, 'readers.json');
const { token, entry } = newReader('person/felix', Date.now() + 60_000);
const late = newReader('person/kim', Date.now() - 1);
const lines: object[] = [];
const logger = {
  ...SILENT_LOGGER,
  info: (about: object) => void lines.push(about),
  warn: (about: object) => void lines.push(about),
};
let endpoint: CodecEndpoint;
let body: string;

beforeAll(async () => {
  const keyFile = path.join(folder, 'keys.json');
  addCodecKey(keyFile, 'k1');
  const codecs = configuredCodecs(keyFile);
  writeFileSync(readersFile, JSON.stringify({ readers: [entry, late.entry] }));
  const read = readReaders(readersFile);
  if (!read.ok) throw new Error(read.message);
  endpoint = await startCodecEndpoint({
    codecs,
    readers: read.readers,
    host: '127.0.0.1',
    port: 0,
    origin: ORIGIN,
    logger,
  });
  const [sealed] = (await codecs[0]?.encode([payloadConverter.toPayload('in clear')])) ?? [];
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const metadata = Object.fromEntries(
    Object.entries(sealed?.metadata ?? {}).map(([name, value]) => [name, base64(value)]),
  );
  body = JSON.stringify({ payloads: [{ metadata, data: base64(sealed?.data ?? new Uint8Array()) }] });
});
afterAll(async () => {
  await endpoint.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (headers: Record<string, string>, asked = body, where = '/decode') =>
  fetch(`${endpoint.url}${where}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: asked,
  });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

describe('AUD-5 the Temporal UI shows clear text to those allowed', () => {
  test('a reader with a token gets it, and the log says who and how much, never what', async () => {
    const response = await ask({ ...bearer(token), origin: ORIGIN });
    const { payloads } = (await response.json()) as { payloads: { data: string }[] };
    expect(Buffer.from(payloads[0]?.data ?? '', 'base64').toString()).toBe('"in clear"');
    expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(lines).toContainEqual({ reader: 'person/felix', payloads: 1 });
    expect(JSON.stringify(lines)).not.toContain('in clear');
  });

  test.each([
    ['no token', {}],
    ['a token of nobody', bearer('x'.repeat(43))],
    ['a token past its end', bearer(late.token)],
    ['the digest in place of the token', bearer(entry.sha256)],
    ['a token in a wrong scheme', { authorization: token }],
  ])('%s is refused', async (_what, headers) => {
    const response = await ask(headers);
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain('clear');
  });

  test('a page of another origin is refused, with a good token too', async () => {
    const response = await ask({ ...bearer(token), origin: 'http://evil.example' });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  test('a browser signs in once, and is a reader by its cookie', async () => {
    const wrong = await ask({ 'content-type': 'application/x-www-form-urlencoded' }, 'token=wrong', '/login');
    expect(wrong.status).toBe(401);
    const right = await ask(
      { 'content-type': 'application/x-www-form-urlencoded' },
      `token=${token}`,
      '/login',
    );
    const cookie = right.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    const response = await ask({ cookie: cookie.split(';')[0] ?? '', origin: ORIGIN });
    expect(response.status).toBe(200);
  });

  test('a reader who is taken out reads no more; a broken file lets nobody in', async () => {
    writeFileSync(readersFile, JSON.stringify({ readers: [late.entry] }));
    expect((await ask(bearer(token))).status).toBe(401);
    writeFileSync(readersFile, '{');
    expect((await ask(bearer(token))).status).toBe(401);
    writeFileSync(readersFile, JSON.stringify({ readers: [entry] }));
    expect((await ask(bearer(token))).status).toBe(200);
  });

  test.each([
    ['no JSON', '{', 400],
    ['another shape', '{"payloads":"x"}', 400],
    ['too many payloads', JSON.stringify({ payloads: Array.from({ length: 1_001 }, () => ({})) }), 400],
    ['too much', 'x'.repeat(9_000_000), 413],
  ])('a body that is %s is refused', async (_what, asked, status) => {
    const response = await ask(bearer(token), asked).catch(() => undefined);
    // A body that is too large may be cut off before the answer is read.
    expect([status, undefined]).toContain(response?.status);
  });

  test('it opens and never encrypts', async () => {
    expect((await ask(bearer(token), body, '/encode')).status).toBe(404);
  });
});
