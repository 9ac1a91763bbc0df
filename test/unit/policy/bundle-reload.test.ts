import { rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { createBundleSource, FileTicketSource, readBundleFiles } from '../../../src/policy';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = exampleBundleCopy();
});
afterEach(() => rmSync(dir, { recursive: true }));

const spoil = (file: string, search: string, replacement: string) =>
  spoiled(path.join(dir, file), search, replacement);

describe('TTA-6 a changed bundle counts as soon as it is still, a bad one does not replace a good one', () => {
  test('digests and last good bundle', async () => {
    let nowMs = 0;
    const complaints: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (about: object) => void complaints.push(about) };
    const source = await createBundleSource(dir, { tickets, logger, nowMs: () => nowMs });
    const first = await source.current();
    spoil('directory.yaml', 'name: Felix', 'name: Felicia');
    const next = () => {
      nowMs += 2_000;
      return source.current();
    };
    expect(await next()).toBe(first);
    const second = await next();
    expect(second.directory.digest).not.toBe(first.directory.digest);
    expect(second.policy.digest).toBe(first.policy.digest);
    spoil('paths.yaml', 'assurance: key', 'assurance: strong');
    for (const _look of [1, 2, 3]) expect(await next()).toBe(second);
    expect(complaints).toHaveLength(1);
  });

  test.each([
    [
      'cannot be read',
      async () => ({ ok: false as const, problems: [{ file: dir, line: 1, message: 'EMFILE' }] }),
    ],
    ['breaks off', () => Promise.reject(new Error('EMFILE'))],
  ])('one that %s for a moment is read again, though nothing of it changes, and is reported once', async (_, fail) => {
    let nowMs = 0;
    let isFailing = false;
    const complaints: object[] = [];
    const logger = { ...SILENT_LOGGER, error: (about: object) => void complaints.push(about) };
    const source = await createBundleSource(dir, {
      tickets,
      logger,
      nowMs: () => nowMs,
      read: (folder) => (isFailing ? fail() : readBundleFiles(folder)),
    });
    const first = await source.current();
    isFailing = true;
    spoil('directory.yaml', '{ name: Felix', '{ enabled: false, name: Felix');
    for (const _look of [1, 2, 3, 4]) {
      nowMs += 2_000;
      expect(await source.current()).toBe(first);
    }
    expect(complaints).toEqual([expect.objectContaining({ message: expect.stringContaining('EMFILE') })]);
    isFailing = false;
    nowMs += 2_000;
    const { directory } = await source.current();
    expect(directory.standingOf('person/felix', 0)?.active).toBe(false);
  });

  test('a change that leaves size, time and file as they were is one', async () => {
    let nowMs = 0;
    const logger = SILENT_LOGGER;
    const dated = () => utimesSync(path.join(dir, 'directory.yaml'), 1_700_000_000, 1_700_000_000);
    dated();
    const source = await createBundleSource(dir, { tickets, logger, nowMs: () => nowMs });
    const first = await source.current();
    spoil('directory.yaml', 'name: Felix', 'name: Fenix');
    dated();
    nowMs += 2_000;
    await source.current();
    nowMs += 2_000;
    expect((await source.current()).directory.digest).not.toBe(first.directory.digest);
  });
});
