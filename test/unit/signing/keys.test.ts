import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateKey, importSigningKey, tryReadKeyFile, writeKeyFile } from '../../../src/signing/keys';
import { isOpenToOthers } from '../../../src/signing/secret-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('FRI-3 private keys stay with their owner', () => {
  test('a new key lies in a file that only its owner reads, and comes back from it', async () => {
    const file = path.join(folder, 'mira.jwk');
    const { keyId, privateJwkText } = await generateKey();
    await writeKeyFile(file, privateJwkText);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await tryReadKeyFile(file)).toMatchObject({ ok: true, key: { keyId, algorithm: 'EdDSA' } });
  });

  test('a key is never overwritten', async () => {
    const file = path.join(folder, 'mira.jwk');
    await writeKeyFile(file, 'first');
    await expect(writeKeyFile(file, 'second')).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(file, 'utf8')).toBe('first');
  });

  test('a key that others can read is not used', async () => {
    const file = path.join(folder, 'mira.jwk');
    await writeKeyFile(file, (await generateKey()).privateJwkText);
    chmodSync(file, 0o644);
    expect(await tryReadKeyFile(file)).toEqual({ ok: false, message: expect.stringContaining('chmod 600') });
  });

  test('SHP-1 one that is mounted for the group of a process is used, if its owner cannot write it or is somebody else', async () => {
    const file = path.join(folder, 'mira.jwk');
    await writeKeyFile(file, (await generateKey()).privateJwkText);
    chmodSync(file, 0o440);
    expect(await tryReadKeyFile(file)).toMatchObject({ ok: true });
    const [uid = 0] = [process.getuid?.()];
    const open = (mode: number, owner = uid) => isOpenToOthers({ mode: 0o100_000 | mode, uid: owner });
    expect([0o400, 0o440, 0o600].map((mode) => open(mode))).toEqual([false, false, false]);
    expect([0o640, 0o460, 0o444, 0o404, 0o450, 0o644].every((mode) => open(mode))).toBe(true);
    expect([0o640, 0o440].some((mode) => open(mode, uid + 1))).toBe(false);
    expect([0o660, 0o644, 0o641].every((mode) => open(mode, uid + 1))).toBe(true);
  });

  test('what is no key is named by its file, and its content is not shown', async () => {
    const file = path.join(folder, 'secret.jwk');
    writeFileSync(file, '{"d":"topsecret"}', { mode: 0o600 });
    const result = await tryReadKeyFile(file);
    expect(result).toMatchObject({ ok: false });
    expect(JSON.stringify(result)).toContain('secret.jwk');
    expect(JSON.stringify(result)).not.toContain('topsecret');
    expect(await tryReadKeyFile(path.join(folder, 'nowhere'))).toMatchObject({ ok: false });
    expect(await importSigningKey('not JSON', 'x')).toMatchObject({ ok: false });
  });
});
