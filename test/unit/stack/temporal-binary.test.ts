import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BinaryLookup, findTemporalBinary } from '../../../src/stack/temporal-binary';

describe('finding the Temporal CLI', () => {
  let dir: string;
  let calls: string[];

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'countersign-binary-'));
    calls = [];
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function program(...at: readonly string[]): string {
    const file = path.join(dir, ...at);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o755);
    return file;
  }

  const getter = (name: string, works: boolean) => async (folder: string) => {
    calls.push(name);
    if (works)
      writeFileSync(path.join(folder, name === 'download' ? 'temporal-sdk-1.0' : 'temporal'), '#!/bin/sh\n');
    return works;
  };

  const lookup = (more: BinaryLookup = {}): BinaryLookup => ({
    env: { PATH: path.join(dir, 'bin') },
    cache: path.join(dir, 'cache'),
    announce: () => undefined,
    download: getter('download', false),
    build: getter('build', false),
    ...more,
  });

  const cached = (): string => path.join(dir, 'cache', 'temporal-cli-v1.5.1', 'temporal');

  it('asks the setting, then PATH, then the cache', async () => {
    const inCache = program('cache', 'temporal-cli-v1.5.1', 'temporal');
    expect(await findTemporalBinary(lookup())).toEqual({ path: inCache, source: 'cache' });
    const onPath = program('bin', 'temporal');
    expect(await findTemporalBinary(lookup())).toEqual({ path: onPath, source: 'path' });
    const set = program('mine', 'any-name');
    const env = { PATH: path.join(dir, 'bin'), COUNTERSIGN_TEMPORAL_CLI: set };
    expect(await findTemporalBinary(lookup({ env }))).toEqual({ path: set, source: 'setting' });
    expect(calls).toEqual([]);
  });

  it('does not pass over a setting that is wrong', async () => {
    program('bin', 'temporal');
    const env = { PATH: path.join(dir, 'bin'), COUNTERSIGN_TEMPORAL_CLI: path.join(dir, 'missing') };
    await expect(findTemporalBinary(lookup({ env }))).rejects.toThrow(/COUNTERSIGN_TEMPORAL_CLI .*missing/);
  });

  it('passes over files on PATH that cannot be run, and folders that are not absolute', async () => {
    chmodSync(program('bin', 'temporal'), 0o644);
    const env = { PATH: `.:${path.join(dir, 'bin')}` };
    await expect(findTemporalBinary(lookup({ env }))).rejects.toThrow('no Temporal CLI');
  });

  it('prefers the download to the build', async () => {
    const found = await findTemporalBinary(
      lookup({ download: getter('download', true), build: getter('build', true) }),
    );
    expect(found).toEqual({ path: cached(), source: 'download' });
    expect(calls).toEqual(['download']);
  });

  it('builds where nothing can be downloaded, and finds the result in the cache afterwards', async () => {
    expect(await findTemporalBinary(lookup({ build: getter('build', true) }))).toEqual({
      path: cached(),
      source: 'build',
    });
    expect(await findTemporalBinary(lookup())).toEqual({ path: cached(), source: 'cache' });
    expect(calls).toEqual(['download', 'build']);
    expect(readdirSync(path.dirname(cached()))).toEqual(['temporal']);
  });

  it('builds once for two who need it at the same time', async () => {
    const both = [1, 2].map(() => findTemporalBinary(lookup({ build: getter('build', true) })));
    expect((await Promise.all(both)).map(({ source }) => source).sort()).toEqual(['build', 'cache']);
    expect(calls).toEqual(['download', 'build']);
  });

  it('leaves nothing in the cache after a build that broke off', async () => {
    const build = async (folder: string): Promise<boolean> => {
      writeFileSync(path.join(folder, 'temporal'), 'half');
      throw new Error('interrupted');
    };
    await expect(findTemporalBinary(lookup({ build }))).rejects.toThrow('interrupted');
    expect(existsSync(cached())).toBe(false);
    expect(readdirSync(path.dirname(cached()))).toEqual([]);
  });

  it('says in one line how to get it', async () => {
    const failure = await findTemporalBinary(lookup()).catch((error: Error) => error.message);
    expect(failure).toMatch(/^no Temporal CLI: install it .*COUNTERSIGN_TEMPORAL_CLI.*Go/);
    expect(failure).not.toContain('\n');
  });

  it('runs the real commands of a build, with what it needs and no more', async () => {
    const go = program('bin', 'go');
    writeFileSync(go, '#!/bin/sh\necho "$CGO_ENABLED $*" > "$GOBIN/../said"; : > "$GOBIN/temporal"\n');
    const lines: string[] = [];
    const { build: _, ...real } = lookup({ announce: (line) => lines.push(line) });
    expect((await findTemporalBinary(real)).source).toBe('build');
    expect(lines[0]).toMatch(/^building the Temporal CLI v1\.5\.1 with Go/);
    expect(existsSync(path.join(path.dirname(cached()), 'said'))).toBe(true);
  });
});
