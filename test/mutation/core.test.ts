import { readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * All tests of the core as one file: loaded once, they take a second, where each by itself takes most of that only to be
 * loaded. Thousands of mutants are tried on them.
 */
const FOLDER = path.resolve(__dirname, '../unit/domain');

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts')))
  describe(file, () => void require(path.join(FOLDER, file)));
