import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JWK } from 'jose';
import { exampleKeyFile } from '../../src/stack/example-bundle';
import { Harness } from '../support/harness';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { type GitHost, startGitHost } from './git-host';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

let harness: Harness;
let host: GitHost;
let clone: string;
beforeAll(async () => {
  harness = await Harness.start();
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-git-'));
  const { d: _private, ...publicJwk } = JSON.parse(
    readFileSync(exampleKeyFile(harness.stateDir, 'ci/payments'), 'utf8'),
  ) as JWK;
  host = await startGitHost(folder, new Map([['ci/payments', publicJwk]]), (account) =>
    harness.holds(account, 'production_write'),
  );
  clone = path.join(folder, 'clone');
  execFileSync('git', ['init', '-q', '-b', 'main', clone]);
  git('config', 'user.email', 'ci@example.com');
  git('config', 'user.name', 'ci');
  git('remote', 'add', 'origin', `${host.url}/release.git`);
  const helper = [
    `!'${process.execPath}' '${COMMAND}' git-credential --as ci/payments`,
    "--entitlement warehouse:payments#write --for 5m --reason 'release 42'",
  ].join(' ');
  git('config', `credential.${host.url}.helper`, helper);
  writeFileSync(path.join(clone, 'release'), '42');
  git('add', '.');
  git('commit', '-q', '-m', 'release 42');
}, 120_000);
afterAll(async () => {
  host?.stop();
  await harness?.stop();
});

const env = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_TERMINAL_PROMPT: '0',
  TEMPORAL_ADDRESS: harness.server.address,
  COUNTERSIGN_STATE_DIR: harness.stateDir,
});
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8', env: env() });

function push() {
  const child = spawn('git', ['-C', clone, 'push', '-q', 'origin', 'main'], {
    env: env(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { err: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { child, said, exit: new Promise<number | null>((resolve) => child.once('close', resolve)) };
}

const holds = () => harness.holds('payments_ci', 'production_write');
const waitingRequest = async () => {
  const id = await eventually('a request', async () => {
    const rows = await harness.client.list({ awaiting: 'person/mira' });
    return rows[0]?.id;
  });
  return (await harness.client.submissionOf(id)).request;
};

describe('FRI-2, FRI-3 git pushes with access of its own', () => {
  test('denied, it has no credential and pushes nothing', async () => {
    const pushing = push();
    const request = await waitingRequest();
    expect(await harness.cast.say('person/mira', 'deny', request, { stage: 'owner' })).toBe('accepted');
    expect(await pushing.exit).not.toBe(0);
    expect(host.passwords).toEqual([]);
  }, 90_000);

  test('approved, it pushes by a short-lived credential, and the access is gone when git is', async () => {
    const pushing = push();
    await eventuallyTrue('it says who is awaited', async () => pushing.said.err.includes('missing: person/'));
    const request = await waitingRequest();
    expect(await harness.cast.say('person/mira', 'approve', request, { stage: 'owner' })).toBe('accepted');
    await pushing.exit;
    expect(pushing.said.err).not.toMatch(/fatal|error/);
    expect(await pushing.exit).toBe(0);
    expect(git('ls-remote', path.join(clone, '../release.git'))).toContain('refs/heads/main');
    await eventuallyTrue('the access is gone', async () => !(await holds()));
    expect((await harness.cast.over(request)).status).toMatch(/revoked|closed/);
    // The credential was git's alone, and opens nothing now.
    const [password = ''] = host.passwords;
    expect(pushing.said.err).not.toContain(password);
    const authorization = `Basic ${Buffer.from(`payments_ci:${password}`).toString('base64')}`;
    const address = `${host.url}/release.git/info/refs?service=git-receive-pack`;
    expect((await fetch(address, { headers: { authorization } })).status).toBe(401);
  }, 90_000);
});
