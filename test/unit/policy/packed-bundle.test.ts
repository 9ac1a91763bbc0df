import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { createContext } from '../../../src/cli/context';
import type { CommandResult } from '../../../src/cli/output';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';
import { PACK_TYPE, payloadOf, preAuthenticationEncoding } from '../../../src/contracts/bundle-pack';
import { registerKey } from '../../../src/directory/register-key';
import { createBundleSource, FileTicketSource, loadBundle, runBundleTests } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { signPack } from '../../../src/signing/bundle-pack';
import { generateKey, importSigningKey, type SigningKey, writeKeyFile } from '../../../src/signing/keys';

const root = mkdtempSync(path.join(tmpdir(), 'countersign-pack-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const TICKETS = new FileTicketSource(undefined);
const GOVERNOR = 'person/nadia';

let governor: { key: SigningKey; file: string };
let stranger: { key: SigningKey; file: string };
let dir: string;
let keys: string;
let pack: string;

async function newSigner(name: string) {
  const { privateJwkText, publicJwk } = await generateKey();
  const file = path.join(root, `${name}.jwk`);
  await writeKeyFile(file, privateJwkText);
  const read = await importSigningKey(privateJwkText, file);
  if (!read.ok) throw new Error(read.message);
  return { key: read.key, file, publicJwk };
}

async function policy(...args: readonly string[]): Promise<CommandResult> {
  const program = createProgram(PLAIN);
  let result: CommandResult | undefined;
  await defineCommand(program, 'policy', async (work) => {
    result = await work(await createContext({ HOME: root }, undefined));
  });
  await program.parseAsync(['policy', ...args], { from: 'user' });
  if (result === undefined) throw new Error('no result');
  return result;
}

const packWith = (file: string, output: string, as = GOVERNOR) =>
  policy('pack', dir, '--as', as, '--key', file, '-o', output);

beforeAll(async () => {
  dir = path.join(root, 'bundle');
  cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
  const made = await newSigner('nadia');
  governor = made;
  stranger = await newSigner('stranger');
  const directory = path.join(dir, 'directory.yaml');
  writeFileSync(
    directory,
    registerKey(readFileSync(directory, 'utf8'), GOVERNOR, made.publicJwk, {
      assurance: 'key',
      channel: 'cli',
    }),
  );
  keys = path.join(root, 'governors.json');
  writeFileSync(keys, JSON.stringify({ keys: [made.publicJwk] }));
  pack = path.join(root, 'access.bundle');
  await packWith(governor.file, pack);
});

const place = (file: string, pinned = keys) => `${file}?keys=${pinned}`;
const codeOf = async (at: string): Promise<string | undefined> => {
  const loaded = await loadBundle(at, TICKETS);
  return loaded.ok ? 'loaded' : loaded.problems[0]?.code;
};
let files = 0;
const written = (text: string): string => {
  files += 1;
  const file = path.join(root, `pack-${files}`);
  writeFileSync(file, text);
  return file;
};

/** Signs any payload, also one that policy pack would never write. */
async function signed(payload: Uint8Array, { key }: { key: SigningKey } = governor): Promise<string> {
  const bytes = Buffer.from(preAuthenticationEncoding(PACK_TYPE, payload));
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, key.key, bytes);
  return written(
    JSON.stringify({
      payloadType: PACK_TYPE,
      payload: Buffer.from(payload).toString('base64'),
      signatures: [{ keyid: key.keyId, sig: Buffer.from(signature).toString('base64') }],
    }),
  );
}
const payload = (...given: readonly (readonly [string, string])[]) =>
  Buffer.from(JSON.stringify({ version: 1, files: given }));

describe('a packed bundle (DIR-6)', () => {
  test('is the same bundle as its folder, with its cases, and the same bytes each time', async () => {
    const [packed, folder] = [await loadBundle(place(pack), TICKETS), await loadBundle(dir, TICKETS)];
    if (!packed.ok || !folder.ok) throw new Error(JSON.stringify([packed, folder]));
    expect(packed.bundle.policy.digest).toBe(folder.bundle.policy.digest);
    expect(packed.bundle.directory.digest).toBe(folder.bundle.directory.digest);
    const inFolder = await runBundleTests(dir, folder.bundle.context, Date.now());
    expect(inFolder.passed).toBeGreaterThan(5);
    expect(await runBundleTests(place(pack), packed.bundle.context, Date.now())).toEqual(inFolder);
    const again = path.join(root, 'again.bundle');
    await packWith(governor.file, again);
    expect(readFileSync(again)).toEqual(readFileSync(pack));
  });

  test('check and test take it, and follow a new one when it is put in its place', async () => {
    expect((await policy('check', place(pack))).exitCode).toBe(0);
    expect((await policy('test', place(pack))).exitCode).toBe(0);
    const live = written(readFileSync(pack, 'utf8'));
    let nowMs = Date.now();
    const logged: unknown[] = [];
    const log = (what: unknown) => void logged.push(what);
    const logger = { info: log, warn: log, error: log, debug: log };
    const source = await createBundleSource(place(live), { tickets: TICKETS, logger, nowMs: () => nowMs });
    const before = (await source.current()).policy.digest;
    writeFileSync(live, readFileSync(pack, 'utf8').replace('"sig":"', '"sig":"AAAA'));
    nowMs += 60_000;
    expect((await source.current()).policy.digest).toBe(before);
    expect(JSON.stringify(logged)).toContain('PACK_ALTERED');
    const paths = path.join(dir, 'paths.yaml');
    const kept = readFileSync(paths, 'utf8');
    writeFileSync(paths, `${kept}# changed\n`);
    const next = path.join(root, 'next.bundle');
    await packWith(governor.file, next);
    writeFileSync(paths, kept);
    writeFileSync(live, readFileSync(next));
    nowMs += 60_000;
    expect((await source.current()).policy.digest).not.toBe(before);
  });

  test('a key of P-256 packs as well', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const read = await importSigningKey(JSON.stringify(await exportJWK(privateKey)), 'p256');
    if (!read.ok) throw new Error(read.message);
    const file = written(await signPack(new Map([['paths.yaml', '{}']]), read.key));
    const pinned = written(JSON.stringify(await exportJWK(publicKey)));
    // Verified and unpacked: what is missing in it is told by the bundle itself.
    const loaded = await loadBundle(place(file, pinned), TICKETS);
    expect(loaded.ok ? [] : loaded.problems.map(({ message, code }) => [message, code])).toContainEqual([
      'is missing; add it to the bundle',
      undefined,
    ]);
    expect(await codeOf(place(file))).toBe('PACK_UNKNOWN_SIGNER');
  });

  test.each<readonly [string, string, () => Promise<string> | string]>([
    ['without pinned keys', 'PACK_KEYS_MISSING', () => pack],
    ['whose pinned keys are not there', 'PACK_KEYS_MISSING', () => place(pack, path.join(root, 'none'))],
    ['whose pinned keys are private', 'PACK_KEYS_MISSING', () => place(pack, governor.file)],
    ['that is not there', 'PACK_UNREADABLE', () => place(path.join(root, 'none'))],
    ['that is a folder', 'PACK_UNREADABLE', () => place(dir)],
    ['that is no envelope', 'PACK_MALFORMED', () => place(written('{}'))],
    [
      'of another type',
      'PACK_MALFORMED',
      () => place(written(readFileSync(pack, 'utf8').replace('.bundle+', '.other+'))),
    ],
    [
      'without a signature',
      'PACK_UNSIGNED',
      () => place(written(readFileSync(pack, 'utf8').replace(/"signatures":\[.*\]/, '"signatures":[]'))),
    ],
    [
      'that was altered',
      'PACK_ALTERED',
      () => {
        const envelope = JSON.parse(readFileSync(pack, 'utf8'));
        const bytes = Buffer.from(envelope.payload, 'base64');
        bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
        return place(written(JSON.stringify({ ...envelope, payload: bytes.toString('base64') })));
      },
    ],
    [
      'of a stranger',
      'PACK_UNKNOWN_SIGNER',
      async () => place(await signed(payloadOf(new Map([['paths.yaml', '']])), stranger)),
    ],
    [
      'of a stranger who names the key of a governor',
      'PACK_ALTERED',
      async () => {
        const file = await signed(payloadOf(new Map([['paths.yaml', '']])), stranger);
        return place(written(readFileSync(file, 'utf8').replace(stranger.key.keyId, governor.key.keyId)));
      },
    ],
    ['that climbs out', 'PACK_BAD_NAME', async () => place(await signed(payload(['../paths.yaml', ''])))],
    [
      'that climbs out of its tests',
      'PACK_BAD_NAME',
      async () => place(await signed(payload(['tests/../paths.yaml', '']))),
    ],
    [
      'with an absolute path',
      'PACK_BAD_NAME',
      async () => place(await signed(payload(['/etc/paths.yaml', '']))),
    ],
    [
      'with a backslash',
      'PACK_BAD_NAME',
      async () => place(await signed(payload(['tests\\paths.yaml', '']))),
    ],
    [
      'with a file twice',
      'PACK_DUPLICATE',
      async () => place(await signed(payload(['paths.yaml', '1'], ['paths.yaml', '2']))),
    ],
    [
      'in another order',
      'PACK_MALFORMED',
      async () => place(await signed(payload(['paths.yaml', ''], ['catalog.yaml', '']))),
    ],
    [
      'with a file that is too large',
      'PACK_TOO_LARGE',
      async () => place(await signed(payload(['paths.yaml', 'x'.repeat(4 * 1024 * 1024 + 1)]))),
    ],
    ['that is too large', 'PACK_TOO_LARGE', () => place(written('x'.repeat(24 * 1024 * 1024 + 1)))],
  ])('one %s is refused: %s', async (_title, code, make) => {
    const at = await make();
    expect(await codeOf(at)).toBe(code);
    const result = await policy('check', at);
    expect(result.error).toMatchObject({ code });
  });

  test('only a governor packs, and no file is written over', async () => {
    await expect(packWith(stranger.file, path.join(root, 'x'), GOVERNOR)).rejects.toMatchObject({
      code: 'NOT_GOVERNANCE',
    });
    await expect(packWith(stranger.file, path.join(root, 'x'), 'person/mira')).rejects.toMatchObject({
      code: 'NOT_GOVERNANCE',
    });
    await expect(packWith(governor.file, pack)).rejects.toThrow(/is not written over/);
  });
});
