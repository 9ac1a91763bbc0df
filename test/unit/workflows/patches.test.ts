import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const WORKFLOWS = path.resolve(__dirname, '../../../src/workflows');
const files = readdirSync(WORKFLOWS).map((name) => ({
  name,
  text: readFileSync(path.join(WORKFLOWS, name), 'utf8'),
}));

describe('changes of workflow code', () => {
  it('are all in the one list', () => {
    const callers = files.filter(({ text }) => /\b(patched|deprecatePatch)\b/.test(text));
    expect(callers.map(({ name }) => name)).toEqual(['patches.ts']);
  });

  it('AUD-1 keep the ids that histories hold', () => {
    const list = files.find(({ name }) => name === 'patches.ts')?.text ?? '';
    const ids = [...list.matchAll(/^ {2}\w+: '([^']+)',$/gm)].map(([, id]) => id);
    expect(ids).toEqual([
      'answers-after-bar',
      'hears-of-ends',
      'believes-nobody',
      'derives-carried-logs',
      'refuses-half-characters',
    ]);
  });

  it('each say what they change', () => {
    const list = files.find(({ name }) => name === 'patches.ts')?.text ?? '';
    expect(list.match(/^ {2}\/\*\* .+ Before: .+ \*\/\n {2}\w+: '/gm)).toHaveLength(5);
  });
});
