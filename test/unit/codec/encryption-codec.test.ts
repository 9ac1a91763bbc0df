import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { addCodecKey, configuredCodecs, EncryptionCodec, readCodecKeys } from '../../../src/codec';
import { payloadConverter, UNDECODABLE } from '../../../src/workflows/payload-converter';

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-codec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function keyFile(...ids: string[]): string {
  files += 1;
  const file = path.join(folder, `keys-${files}.json`);
  for (const id of ids) expect(addCodecKey(file, id).ok).toBe(true);
  return file;
}

function codecOf(file: string): EncryptionCodec {
  const read = readCodecKeys(file);
  if (!read.ok) throw new Error(read.message);
  return new EncryptionCodec(read.keys);
}

const SECRET = { reason: 'rotate the token of the payments pipeline' };
const plain = (payload: Payload | undefined) =>
  payload === undefined ? undefined : payloadConverter.fromPayload(payload);
const asText = (payload: Payload | undefined) =>
  Buffer.concat([...Object.values(payload?.metadata ?? {}), payload?.data ?? new Uint8Array()]).toString(
    'latin1',
  );

const bytes = fc.uint8Array({ maxLength: 200 });
const payloads = fc.record(
  { metadata: fc.dictionary(fc.string(), bytes), data: bytes },
  { requiredKeys: [] },
) as fc.Arbitrary<Payload>;

describe('FRI-3 what the Temporal server stores is encrypted', () => {
  const codec = codecOf(keyFile('2026-11'));

  test('and opens to what it was, whatever it was', () =>
    fc.assert(
      fc.asyncProperty(payloads, async (payload) => {
        const [sealed] = await codec.encode([payload]);
        const [opened] = await codec.decode(sealed ? [sealed] : []);
        expect({ metadata: opened?.metadata ?? {}, data: opened?.data }).toEqual({
          metadata: { ...payload.metadata },
          data: payload.data ?? new Uint8Array(),
        });
      }),
    ));

  test('nothing of it is readable, and the same never looks the same twice', async () => {
    const [first, second] = await codec.encode([
      payloadConverter.toPayload(SECRET),
      payloadConverter.toPayload(SECRET),
    ]);
    expect(asText(first)).not.toContain('payments');
    expect(asText(first)).not.toContain('json/plain');
    expect(first?.data).not.toEqual(second?.data);
  });

  test('one changed bit anywhere is noticed, in what is readable too', async () => {
    const [sealed] = await codec.encode([payloadConverter.toPayload(SECRET)]);
    const data = sealed?.data ?? new Uint8Array();
    for (let index = 0; index < data.length; index += 1) {
      const changed = Uint8Array.from(data);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const [opened] = await codec.decode([{ ...sealed, data: changed }]);
      expect(plain(opened)).toEqual(UNDECODABLE);
    }
    const two = codecOf(keyFile('a', 'b'));
    const [named] = await two.encode([payloadConverter.toPayload(SECRET)]);
    const renamed = { ...named, metadata: { ...named?.metadata, 'encryption-key-id': Buffer.from('a') } };
    expect(plain((await two.decode([renamed]))[0])).toEqual(UNDECODABLE);
  });
});

describe('EMG-2 a codec that never throws', () => {
  const codec = codecOf(keyFile('2026-11'));

  test('what another key encrypted is handed on as the marker', async () => {
    const stranger = codecOf(keyFile('other'));
    const [opened] = await codec.decode(await stranger.encode([payloadConverter.toPayload(SECRET)]));
    expect(plain(opened)).toEqual(UNDECODABLE);
  });

  test('any bytes that claim to be encrypted, under any key id', () =>
    fc.assert(
      fc.asyncProperty(bytes, fc.oneof(bytes, fc.constant(Buffer.from('2026-11'))), async (data, keyId) => {
        const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': keyId };
        const [opened] = await codec.decode([{ metadata, data }, {}]);
        expect(plain(opened)).toEqual(UNDECODABLE);
      }),
    ));

  test('what is not encrypted passes as it is, for requests that were open when it was switched on', async () => {
    const payload = payloadConverter.toPayload(SECRET);
    expect(await codec.decode([payload])).toEqual([payload]);
  });
});

describe('keys of the codec', () => {
  test('rotation: the new key encrypts, the old one still opens', async () => {
    const file = keyFile('old');
    const before = codecOf(file);
    const [sealed] = await before.encode([payloadConverter.toPayload(SECRET)]);
    addCodecKey(file, 'new');
    const after = codecOf(file);
    const [resealed] = await after.encode([payloadConverter.toPayload(SECRET)]);
    expect(asText(resealed)).toContain('new');
    expect(plain((await after.decode(sealed ? [sealed] : []))[0])).toEqual(SECRET);
    expect(plain((await before.decode(resealed ? [resealed] : []))[0])).toEqual(UNDECODABLE);
  });

  test('a key is never overwritten, and the file is for its owner alone', () => {
    const file = keyFile('once');
    const before = readFileSync(file, 'utf8');
    expect(addCodecKey(file, 'once')).toMatchObject({ ok: false });
    expect(addCodecKey(file, '../x')).toMatchObject({ ok: false });
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['is missing', () => path.join(folder, 'nowhere.json')],
    ['is readable by others', () => readableByOthers(keyFile('x'))],
    ['is no JSON', () => written('{')],
    ['has a short key', () => written('{"current":"a","keys":{"a":"c2hvcnQ="}}')],
    ['names a key it does not have', () => written('{"current":"a","keys":{}}')],
  ])('a file that %s is one line that names it, and no start in clear', (_what, make) => {
    const file = make();
    expect(() => configuredCodecs(file)).toThrow(file);
    expect(() => configuredCodecs(file)).not.toThrow(/c2hvcnQ/);
  });

  test('without a file there is no codec', () => {
    expect(configuredCodecs(undefined)).toEqual([]);
  });
});

function readableByOthers(file: string): string {
  chmodSync(file, 0o644);
  return file;
}

function written(content: string): string {
  files += 1;
  const file = path.join(folder, `keys-${files}.json`);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}
