import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { whyNotPlain } from '../../../../src/cli/check-run/plain-folder';

let workspace: string;
let bundle: string;
beforeEach(() => {
  workspace = realpathSync(mkdtempSync(path.join(tmpdir(), 'countersign-plain-')));
  bundle = path.join(workspace, 'proposed', 'policies');
  mkdirSync(path.join(bundle, 'tests'), { recursive: true });
  writeFileSync(path.join(bundle, 'paths.yaml'), 'paths: {}\n');
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

const why = (dir = bundle) => whyNotPlain(dir, workspace);

describe('FRI-2 a proposed bundle has plain files alone', () => {
  test('plain files and folders may be read', async () => {
    expect(await why()).toBeUndefined();
    expect(await why(path.join(workspace, 'proposed/../proposed/policies'))).toBeUndefined();
  });

  test('a link among its files, in place of it, or above it, is refused', async () => {
    symlinkSync('/etc/passwd', path.join(bundle, 'directory.yaml'));
    expect(await why()).toMatch(/not a plain file \("directory.yaml"\)/);
    symlinkSync('/etc', path.join(workspace, 'proposed', 'elsewhere'));
    expect(await why(path.join(workspace, 'proposed', 'elsewhere'))).toMatch(/reached by a link/);
    expect(await why(path.join(workspace, 'proposed', 'elsewhere', 'ssl'))).toMatch(
      /reached by a link|cannot be read/,
    );
  });

  test('what lies outside of the workspace, a pipe, a folder of mounted files, and what is not there', async () => {
    expect(await why('/etc')).toMatch(/is not in/);
    expect(await why(path.join(workspace, '..'))).toMatch(/is not in/);
    expect(await why(path.join(workspace, 'nowhere'))).toMatch(/cannot be read/);
    expect(await why(path.join(bundle, 'paths.yaml'))).toBe('is not a folder');
    mkdirSync(path.join(bundle, '..data'));
    expect(await why()).toMatch(/"\.\.data"/);
    rmSync(path.join(bundle, '..data'), { recursive: true });
    execFileSync('mkfifo', [path.join(bundle, 'catalog.yaml')]);
    expect(await why()).toMatch(/not a plain file/);
  });

  test('more files or bytes than a bundle has', async () => {
    for (let index = 0; index < 9; index += 1)
      writeFileSync(path.join(bundle, `${index}.yaml`), Buffer.alloc(4 * 1024 * 1024));
    expect(await why()).toMatch(/more than 33554432 bytes/);
  });
});
