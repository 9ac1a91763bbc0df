import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { EXAMPLE_BUNDLE_DIR, REPLAY_PROGRAM, WORKFLOW_BUNDLE_FILE } from '../../../src/project';

const ROOT = path.resolve(__dirname, '../../..');
const { files, bin, main } = z
  .object({ files: z.array(z.string()), bin: z.record(z.string(), z.string()), main: z.string() })
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));

describe('an installed package has what it starts', () => {
  test.each([
    WORKFLOW_BUNDLE_FILE,
    REPLAY_PROGRAM,
    EXAMPLE_BUNDLE_DIR,
    ...[...Object.values(bin), main].map((file) => path.join(ROOT, file)),
  ])('%s', (file) => {
    const place = path.relative(ROOT, file);
    expect(files.filter((one) => place === one || place.startsWith(`${one}/`))).toHaveLength(1);
  });
});
