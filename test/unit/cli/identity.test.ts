import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createContext } from '../../../src/cli/context';
import { findSigner } from '../../../src/cli/signer';
import { generateKey } from '../../../src/signing/keys';

let folder: string;
let config: string;
const keys: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-identity-'));
  config = path.join(folder, 'countersign');
  mkdirSync(config);
  for (const name of ['file', 'env', 'option']) {
    const { keyId, privateJwkText } = await generateKey();
    writeFileSync(path.join(config, `${name}.jwk`), privateJwkText, { mode: 0o600 });
    keys[name] = keyId;
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const keyFile = (name: string): string => path.join(config, `${name}.jwk`);

function contextWith(yaml: string, env: Readonly<Record<string, string>> = {}) {
  writeFileSync(path.join(config, 'config.yaml'), yaml);
  return createContext({ XDG_CONFIG_HOME: folder, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env });
}

const FILE = 'as: person/file\nkey: file.jwk\ngateway: https://countersign.example\nbundle: policies\n';

async function signerOf(
  options: { as?: string; key?: string },
  env: Readonly<Record<string, string>> = {},
  yaml = FILE,
) {
  const { principal, key } = await findSigner(options, await contextWith(yaml, env));
  return [principal, key.keyId];
}

describe('who acts: an option beats the environment, which beats the config file', () => {
  test('the file alone, with its key beside it', async () => {
    expect(await signerOf({})).toEqual(['person/file', keys['file']]);
  });

  test('the environment', async () => {
    const env = { COUNTERSIGN_AS: 'person/env', COUNTERSIGN_KEY: keyFile('env') };
    expect(await signerOf({}, env)).toEqual(['person/env', keys['env']]);
    const { settings } = await contextWith(FILE, { COUNTERSIGN_BUNDLE: '/elsewhere' });
    expect(settings).toMatchObject({
      COUNTERSIGN_AS: 'person/file',
      COUNTERSIGN_GATEWAY: 'https://countersign.example',
      COUNTERSIGN_BUNDLE: '/elsewhere',
    });
  });

  test('the options', async () => {
    const env = { COUNTERSIGN_AS: 'person/env', COUNTERSIGN_KEY: keyFile('env') };
    const options = { as: 'person/option', key: keyFile('option') };
    expect(await signerOf(options, env)).toEqual(['person/option', keys['option']]);
  });

  test('a configured key signs for nobody but the identity it is configured with', async () => {
    await expect(signerOf({ as: 'person/other' })).rejects.toThrow(/no key for person\/other/);
    await expect(signerOf({}, { COUNTERSIGN_AS: 'person/env' })).rejects.toThrow(/no key for person\/env/);
    expect(await signerOf({ as: 'person/any' }, { COUNTERSIGN_KEY: keyFile('env') }, '')).toEqual([
      'person/any',
      keys['env'],
    ]);
  });

  test('nobody at all is wrong usage that says where to name someone', async () => {
    await expect(signerOf({}, {}, '')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/--as.*COUNTERSIGN_AS.*config\.yaml/),
    });
  });
});

test.each([
  ['a member that nobody knows', 'as: person/a\nkeys: x\n', /config\.yaml: .*keys/],
  ['broken YAML', 'as: [\n', /config\.yaml: /],
])('a config file with %s is one line that names the file', async (_, yaml, message) => {
  await expect(contextWith(yaml)).rejects.toMatchObject({
    code: 'BAD_SETTINGS',
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});
