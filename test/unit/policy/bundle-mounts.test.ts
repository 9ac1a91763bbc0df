import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';

const VERSIONS = ['one', 'two'] as const;
const READINGS = 15;

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'bundle-mounts-'));
  for (const version of VERSIONS) {
    cpSync(EXAMPLE_BUNDLE_DIR, path.join(root, version), { recursive: true });
    for (const name of filesIn(path.join(root, version))) {
      const file = path.join(root, version, name);
      writeFileSync(
        file,
        `${readFileSync(file, 'utf8')}\n${name.endsWith('.yaml') ? '#' : '//'} ${version}\n`,
      );
    }
  }
});
afterEach(() => rmSync(root, { recursive: true }));

const filesIn = (dir: string) => readdirSync(dir).filter((name) => /\.(yaml|cedar|cedarschema)$/.test(name));
/** Puts a link in the place of another in one step, as kubelet and git-sync do. */
function point(link: string, to: string): void {
  symlinkSync(to, `${link}.new`);
  renameSync(`${link}.new`, link);
}
/** Of which versions the files of one reading are. */
function versionsOf(files: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...files.values()].map((text) => text.trimEnd().split(' ').at(-1) ?? ''))];
}

describe('DIR-6 a mounted bundle is read as one snapshot while its links are swapped', () => {
  test.each([
    [
      'a ConfigMap: each file is a link through ..data',
      () => {
        const mount = path.join(root, 'mount');
        cpSync(path.join(root, 'one', 'tests'), path.join(mount, 'tests'), { recursive: true });
        point(path.join(mount, '..data'), path.join(root, 'one'));
        for (const name of filesIn(path.join(root, 'one')))
          symlinkSync(`..data/${name}`, path.join(mount, name));
        return { dir: mount, link: path.join(mount, '..data') };
      },
    ],
    [
      'git-sync: the folder itself is a link',
      () => {
        const link = path.join(root, 'current');
        point(link, path.join(root, 'one'));
        return { dir: link, link };
      },
    ],
  ])(
    '%s',
    async (_, mounted) => {
      const { dir, link } = mounted();
      let isOver = false;
      let swaps = 0;
      const swapping = (async () => {
        while (!isOver) {
          swaps += 1;
          point(link, path.join(root, VERSIONS[swaps % 2] ?? 'one'));
          await sleep(swaps % 7);
        }
      })();
      const seen = new Set<string>();
      let read = 0;
      for (let tries = 0; tries < 200 && read < READINGS; tries += 1) {
        const files = await readBundleFiles(dir);
        // A folder that never stops changing is refused, which is no mixture either.
        if (!files.ok) continue;
        read += 1;
        const versions = versionsOf(files.value);
        expect(versions).toHaveLength(1);
        seen.add(versions[0] ?? '');
      }
      isOver = true;
      await swapping;
      expect([read > 0, swaps > read, seen.size > 0]).toEqual([true, true, true]);
    },
    120_000,
  );
});
