import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toldTickets } from '../../../src/cli/tickets';
import { FileTicketSource, runBundleTests } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { exampleBundle, NOW } from './example';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-silent-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('DIR-6 a file that nothing reads is told', () => {
  test('tests/*.yml beside tests/*.yaml', async () => {
    cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
    const { context } = await exampleBundle();
    const before = await runBundleTests(dir, context, NOW);
    expect(before.problems).toEqual([]);
    writeFileSync(path.join(dir, 'tests', 'more.yml'), '[]\n');
    const after = await runBundleTests(dir, context, NOW);
    expect(after).toEqual({
      passed: before.passed,
      problems: [
        {
          file: 'tests/more.yml',
          line: 1,
          message: expect.stringMatching(/is not read.*rename it to more\.yaml/),
        },
      ],
    });
  });
});

describe('DIR-4, OVR-4 a list of tickets that cannot be read is told, and no ticket counts', () => {
  test.each([
    ['is no list', 'OPS-1: open\n', /line 1:/],
    ['has a number in it', '- OPS-1\n- 123\n', /line 2:/],
    ['is no YAML', '- OPS-1\n- "CHG\n', /line \d+: .*correct the YAML/],
    ['is empty', '', /line 1:/],
    ['is not there', undefined, /cannot be read/],
  ])(
    'one that %s',
    async (_, text, why) => {
      const file = path.join(dir, 'tickets.yaml');
      if (text !== undefined) writeFileSync(file, text);
      const told: string[] = [];
      const source = new FileTicketSource(file, (one) => void told.push(one));
      expect([await source.check('OPS-1'), await source.check('123')]).toEqual([
        { found: false },
        { found: false },
      ]);
      expect(told).toEqual([expect.stringMatching(why)]);
      expect(told[0]).toContain(file);
      expect(await source.problem()).toBe(told[0]);
    },
    20_000,
  );

  test('it is told again after it was mended and broken again; a good one says nothing', async () => {
    const file = path.join(dir, 'tickets.yaml');
    const told: string[] = [];
    const source = new FileTicketSource(file, (one) => void told.push(one));
    for (const [text, exists] of [
      ['x: 1\n', false],
      ['- OPS-1\n', true],
      ['x: 1\n', false],
    ] as const) {
      writeFileSync(file, text);
      expect(await source.check('OPS-1')).toEqual({ found: exists });
    }
    expect(told).toHaveLength(2);
    expect(await new FileTicketSource(undefined).problem()).toBeUndefined();
  }, 20_000);

  test('a program that runs on logs it at its start', async () => {
    const lines: object[] = [];
    const error = (about: object, message: string) => void lines.push({ ...about, message });
    toldTickets(path.join(dir, 'nowhere.yaml'), { info: () => undefined, warn: () => undefined, error });
    for (let tries = 0; tries < 50 && lines.length === 0; tries += 1) await sleep(100);
    expect(lines).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^ALERT .*no ticket counts/) }),
    ]);
  }, 20_000);
});
