import { readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * All tests of the core as one file: loaded once, they take a second or two, where each by itself takes most of that only
 * to be loaded. Thousands of mutants are tried on them. Generated histories come last, for the examples are quicker.
 */
const FOLDER = path.resolve(__dirname, '../unit/domain');
const isSlow = (file: string) => file.includes('property') || file.startsWith('digest');

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts'));
for (const file of [...files.filter((name) => !isSlow(name)), ...files.filter(isSlow)])
  describe(file, () => void require(path.join(FOLDER, file)));
