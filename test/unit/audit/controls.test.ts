import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '../../..');
const controls = readFileSync(path.join(ROOT, 'docs/audit/controls.md'), 'utf8');
const rows = [...controls.matchAll(/^\| ([A-Z]{3}-\d+) \|.*\|$/gm)];

describe('docs/audit/controls.md maps requirements to what auditors cite, both ways', () => {
  test('it has every requirement', () => {
    const all = readFileSync(path.join(ROOT, 'docs/requirements.md'), 'utf8').matchAll(
      /^\| ([A-Z]{3}-\d+) \|/gm,
    );
    expect(rows.map(([, id]) => id)).toEqual([...all].map(([, id]) => id));
  });

  test('the tests that it names exist and name the requirement', () => {
    let count = 0;
    for (const [line, id = ''] of rows)
      for (const [, file = ''] of line.matchAll(/`([\w/.-]+\.ts)`/g)) {
        const found = path.join(ROOT, 'test', file);
        expect([file, existsSync(found)]).toEqual([file, true]);
        expect(readFileSync(found, 'utf8')).toContain(id);
        count += 1;
      }
    expect(count).toBeGreaterThan(80);
  });

  test.each([
    'NHI3',
    'NHI4',
    'NHI5',
    'NHI6',
    'ASI03',
    'ASI09',
    'PR.AA-05',
    'PR.AC-4',
    'Tenet 6',
    'MANAGE 4.1',
    'AC-5',
    'AU-10',
    'AC-3(2)',
    'AU-9',
  ])('%s is answered', (control) => {
    const line = controls
      .split('\n')
      .find(
        (one) => one.startsWith('| ') && one.split('|')[1]?.includes(control) && !/^\| [A-Z]{3}-\d/.test(one),
      );
    expect(line).toMatch(/[A-Z]{3}-\d+/);
  });
});
