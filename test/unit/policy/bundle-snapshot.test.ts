import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { createBundleSource, FileTicketSource, loadBundle, readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { asks, NOW } from './example';

const tickets = new FileTicketSource(undefined);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'bundle-snapshot-'));
  cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

const change = (file: string, from: string, to: string) => {
  const name = path.join(dir, file);
  const text = readFileSync(name, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(name, text.replace(from, to));
};
const messagesOf = async () => {
  const loaded = await loadBundle(dir, tickets);
  return loaded.ok ? [] : loaded.problems.map(({ file, message }) => `${file}: ${message}`);
};

describe('DIR-6 a bundle changes as a whole', () => {
  test('files that are delivered one after the other are never used as a mixture', async () => {
    let nowMs = 0;
    const source = await createBundleSource(dir, { tickets, logger: SILENT_LOGGER, nowMs: () => nowMs });
    const first = await source.current();
    /** What is in force a second later, as an assessment names it. */
    const look = async () => {
      nowMs += 1_000;
      const { policy, directory } = await source.current();
      const { policyDigest, directoryDigest } = policy.assess(
        asks('agent/atlas', 'warehouse:reporting#read'),
        NOW,
      );
      expect([policyDigest, directoryDigest]).toEqual([policy.digest, directory.digest]);
      return { policyDigest, directoryDigest };
    };
    const before = await look();
    expect(before).toEqual({ policyDigest: first.policy.digest, directoryDigest: first.directory.digest });
    change('catalog.yaml', 'title: Change payments data', 'title: Change the data of payments');
    expect(await look()).toEqual(before);
    change('paths.yaml', 'remindAfter: 15m', 'remindAfter: 14m');
    expect(await look()).toEqual(before);
    change('directory.yaml', 'name: Felix', 'name: Felicia');
    expect(await look()).toEqual(before);
    const after = await look();
    const delivered = await loadBundle(dir, tickets);
    if (!delivered.ok) throw new Error(JSON.stringify(delivered.problems));
    const { policy, directory } = delivered.bundle;
    expect(after).toEqual({ policyDigest: policy.digest, directoryDigest: directory.digest });
    expect(after.policyDigest).not.toBe(before.policyDigest);
  });

  test('a change that nobody looked at for long counts at the first look', async () => {
    let nowMs = Date.now();
    const source = await createBundleSource(dir, { tickets, logger: SILENT_LOGGER, nowMs: () => nowMs });
    change('directory.yaml', '{ name: Felix', '{ enabled: false, name: Felix');
    nowMs = Date.now() + 3_600_000;
    const { directory } = await source.current();
    expect(directory.standingOf('person/felix', 0)?.active).toBe(false);
  });

  test('what changes while it is read is read again, and never used in part', async () => {
    let nowMs = 0;
    let readings = 0;
    const problems: object[] = [];
    const source = await createBundleSource(dir, {
      tickets,
      logger: { ...SILENT_LOGGER, error: (about: object) => void problems.push(about) },
      nowMs: () => (nowMs += 10_000),
      read: async (folder) => {
        readings += 1;
        const files = await readBundleFiles(folder);
        // The second reading is overtaken by a change.
        if (readings === 2) change('catalog.yaml', 'title: Change payments data', 'title: Change data');
        return files;
      },
    });
    const first = await source.current();
    change('paths.yaml', 'remindAfter: 15m', 'remindAfter: 14m');
    expect(await source.current()).toBe(first);
    expect(problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining('changes while') }),
    ]);
    const next = await source.current();
    expect(next.files.get('catalog.yaml')).toContain('title: Change data');
    expect(next.files.get('paths.yaml')).toContain('remindAfter: 14m');
  });

  test('a folder that never stops changing gives no bundle', async () => {
    let isOver = false;
    const churn = (async () => {
      for (let count = 0; !isOver; count += 1) {
        writeFileSync(path.join(dir, 'catalog.yaml.new'), `# ${count}\n`);
        renameSync(path.join(dir, 'catalog.yaml.new'), path.join(dir, 'z.yaml'));
        await sleep(0);
      }
    })();
    const read = await readBundleFiles(dir);
    isOver = true;
    await churn;
    expect(read).toMatchObject({ problems: [{ message: expect.stringMatching(/changes all the time/) }] });
  });

  test.each([
    'directory.yml',
    'catalog.yml',
    'paths.yml',
  ])('%s would be ignored, so it is refused', async (name) => {
    writeFileSync(path.join(dir, name), 'people: {}\n');
    expect(await messagesOf()).toEqual([
      `${name}: is not read, because files of a bundle end in .yaml; rename it to ${name.replace('yml', 'yaml')}, or remove it`,
    ]);
  });

  test('bytes that are no text are refused, not replaced', async () => {
    const file = path.join(dir, 'directory.yaml');
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([0x23, 0x20, 0xff, 0x0a])]));
    expect(await messagesOf()).toEqual(['directory.yaml: is not UTF-8 text; save it as UTF-8']);
  });
});

describe('DIR-4 a list of tickets is read when it is whole', () => {
  test('half of a list has no half of a ticket in it', async () => {
    const file = path.join(dir, 'tickets.yaml');
    writeFileSync(file, '- OPS-1\n- OPS-12');
    const source = new FileTicketSource(file);
    const found = source.check('OPS-12');
    await sleep(300);
    writeFileSync(file, '- OPS-1\n- OPS-123\n');
    expect(await found).toEqual({ found: false });
    expect(await source.check('OPS-123')).toEqual({ found: true });
  });

  test('a list that is not YAML has no tickets', async () => {
    const file = path.join(dir, 'tickets.yaml');
    writeFileSync(file, '- OPS-1\n- "OPS-2\n');
    expect(await new FileTicketSource(file).check('OPS-1')).toEqual({ found: false });
  });
});

describe('a second document, a merge key and an alias get a message that helps', () => {
  test.each([
    ['directory.yaml', 'groups:\n', '---\ngroups:\n', /a second YAML document begins here/],
    ['directory.yaml', '{ name: Felix', '{ <<: { name: x }, name: Felix', /"<<" merges nothing here/],
    ['catalog.yaml', 'tags: [internal]', 'tags: *internal', /alias/i],
  ])('%s: %s', async (file, from, to, message) => {
    const at = readFileSync(path.join(dir, file), 'utf8').split(from)[0] ?? '';
    change(file, from, to);
    const loaded = await loadBundle(dir, tickets);
    expect(loaded.ok ? [] : loaded.problems).toContainEqual({
      file,
      line: at.split('\n').length,
      message: expect.stringMatching(message),
    });
  });
});
