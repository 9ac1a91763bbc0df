import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createContext } from '../../../src/cli/context';
import { findRunningStack, readRunningStack } from '../../../src/stack/running-stack';
import { writeStackRecord } from '../../../src/stack/stack-record';

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-found-'));
  stateDir = path.join(folder, '.countersign');
  mkdirSync(stateDir, { mode: 0o700 });
  record();
});
afterEach(() => rmSync(folder, { recursive: true }));

function record(addresses: Readonly<Record<string, string>> = {}): void {
  writeStackRecord(stateDir, {
    addresses: {
      temporal: '127.0.0.1:7233',
      target: 'postgres://postgres@127.0.0.1:5432/postgres',
      ...addresses,
    },
    bundleDir: '/bundle',
    ticketsFile: '/tickets.yaml',
    reachable: ['warehouse'],
    pids: { countersign: process.pid },
  });
}

const FOUND = {
  temporalAddress: '127.0.0.1:7233',
  targetUrl: 'postgres://127.0.0.1:5432/postgres',
  bundleDir: '/bundle',
};

test('a running stack is found from the folder it runs in and from every folder below', () => {
  const below = path.join(folder, 'a', 'b');
  mkdirSync(below, { recursive: true });
  expect(findRunningStack(folder)).toMatchObject(FOUND);
  expect(findRunningStack(below)).toMatchObject({ ...FOUND, stateDir });
});

describe('TTA-3 a record that somebody else could have written leads nowhere', () => {
  test('its process does not run', () => {
    const file = path.join(stateDir, 'stack.json');
    const { processes, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    const countersign = { ...processes.countersign, started: 'another boot/1' };
    writeFileSync(file, JSON.stringify({ ...rest, processes: { countersign } }), { mode: 0o600 });
    expect(readRunningStack(stateDir)).toBeUndefined();
  });

  test.each([
    { temporal: 'temporal.example.com:7233' },
    { temporal: '127.0.0.1.example.com:7233' },
    { temporal: '127.0.0.1:7233@example.com:1' },
    { target: 'postgres://postgres@db.example.com:5432/postgres' },
    { target: 'postgres://127.0.0.1:1@example.com:5432/postgres' },
  ])('it leads to another machine: %j', (addresses) => {
    record(addresses);
    expect(readRunningStack(stateDir)).toBeUndefined();
  });

  test.each([0o770, 0o707])('others may write to the folder (mode %i)', (mode) => {
    chmodSync(stateDir, mode);
    expect(readRunningStack(stateDir)).toBeUndefined();
  });
});

describe('a command uses a running stack only where the user says nothing else', () => {
  const contextWith = (env: Readonly<Record<string, string>>) =>
    createContext({ XDG_CONFIG_HOME: folder, COUNTERSIGN_STATE_DIR: stateDir, ...env });

  test('for its server, bundle, tickets and targets', async () => {
    const { settings, env, sources } = await contextWith({});
    expect(sources.stack).toMatchObject(FOUND);
    expect(settings).toMatchObject({ COUNTERSIGN_BUNDLE: '/bundle', COUNTERSIGN_TICKETS: '/tickets.yaml' });
    expect(env).toMatchObject({ COUNTERSIGN_TARGET_WAREHOUSE_URL: 'postgres://127.0.0.1:5432/postgres' });
  });

  test('what is set beats what is found', async () => {
    const { settings } = await contextWith({ COUNTERSIGN_BUNDLE: '/mine' });
    expect(settings.COUNTERSIGN_BUNDLE).toBe('/mine');
    const elsewhere = await contextWith({ TEMPORAL_ADDRESS: 'temporal.example.com:7233' });
    expect(elsewhere.sources.stack).toBeUndefined();
    expect(elsewhere.settings.COUNTERSIGN_BUNDLE).toBe('policies');
  });
});
