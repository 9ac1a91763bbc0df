import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DomainEvent } from '../../src/domain/event';
import { EXAMPLE_BUNDLE_DIR } from '../../src/project';
import { HOUR, MINUTE } from '../support/domain/builders';
import { healthyCrowd } from '../support/friction/crowd';
import { BEGIN, lifeOf, type Plan } from '../support/friction/population';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const REQUESTS = 10_000;
const MOST_MB = 100;
let folder: string;

/** An archive of 10,000 requests: 250 lives of different courses, each under forty ids. */
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-friction-'));
  const lives = [...healthyCrowd(250)].map(lifeOf);
  for (let index = 0; index < REQUESTS; index += 1) {
    const dir = path.join(folder, 'evidence', `request-${index}`);
    mkdirSync(dir, { recursive: true });
    const events = lives[index % lives.length] ?? [];
    writeFileSync(path.join(dir, 'run.json'), evidenceOf(events.map((event) => renamed(event, index))));
  }
  mkdirSync(path.join(folder, 'none', 'evidence'), { recursive: true });
  // Says at its end how much memory it has held at most.
  writeFileSync(
    path.join(folder, 'peak.cjs'),
    `process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS + '\\n'));`,
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const evidenceOf = (events: readonly DomainEvent[]): string =>
  JSON.stringify({ format: 'countersign-evidence', steps: [{ events: events.map((event) => ({ event })) }] });

function renamed(event: DomainEvent, index: number): DomainEvent {
  if (event.type !== 'submitted') return event;
  const request = { ...event.submission.request, id: `request-${index}` };
  return { ...event, submission: { ...event.submission, request } };
}

const friction = (...args: readonly string[]) => countersign('friction', ...args);

function countersign(...args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  return spawnSync(process.execPath, ['--require', path.join(folder, 'peak.cjs'), COMMAND, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, HOME, COUNTERSIGN_BUNDLE: EXAMPLE_BUNDLE_DIR },
  });
}

/** Keeps lives of requests for a write in an archive of their own. */
function archiveOfWrites(lives: readonly Partial<Plan>[]): string {
  const archive = mkdtempSync(path.join(folder, 'writes-'));
  for (const [index, about] of lives.entries()) {
    const id = `write-${String(index).padStart(4, '0')}`;
    const dir = path.join(archive, 'evidence', id);
    mkdirSync(dir, { recursive: true });
    const life = lifeOf({
      id,
      atMs: BEGIN + index * HOUR,
      what: { connector: 'warehouse', resource: 'payments', action: 'write' },
      who: index % 2 === 0 ? 'ci/payments' : 'bot/deployer',
      ends: 'approved',
      decidesAfterMs: 10 * MINUTE,
      durationMs: 30 * MINUTE,
      path: { name: 'production-write', stages: { owner: ['person/mira', 'person/tomas'] } },
      policies: ['production-write'],
      ...about,
    });
    writeFileSync(path.join(dir, 'run.json'), evidenceOf(life));
  }
  return archive;
}

const peakMbOf = (stderr: string): number => Number(/PEAK (\d+)/.exec(stderr)?.[1]) / 1_024;

const span = ['--from', new Date(BEGIN).toISOString(), '--to', '2026-05-02'];

describe('FRI-4 figures of an archive of 10,000 requests', () => {
  test('are computed in 100 MB beyond what the program itself takes', () => {
    const idle = peakMbOf(
      friction('--no-server', '--archive', path.join(folder, 'none'), ...span, '--json').stderr,
    );
    const { status, stdout, stderr } = friction('--no-server', '--archive', folder, ...span, '--json');
    expect(status).toBe(0);
    const { total, complete, unreadable, by } = JSON.parse(stdout);
    expect({ requests: total.requests, complete, unreadable }).toEqual({
      requests: REQUESTS,
      complete: true,
      unreadable: 0,
    });
    expect(by.team.map(({ name }: { name: string }) => name)).toContain('payments-workloads');
    expect(idle).toBeGreaterThan(30);
    expect(peakMbOf(stderr) - idle).toBeLessThan(MOST_MB);
  });

  test('are printed as sentences, tables and findings; a file that is no evidence is counted', () => {
    mkdirSync(path.join(folder, 'evidence', 'broken'));
    writeFileSync(
      path.join(folder, 'evidence', 'broken', 'run.json'),
      '{"format":"countersign-evidence","steps":[{"events":[{"event":{"type":"submitted","atMs":1}}]}]}',
    );
    const { status, stdout } = friction('--no-server', '--archive', folder, ...span, '--top', '2');
    expect(status).toBe(0);
    expect(stdout).toContain(
      '10000 requests from 2026-03-02 to 2026-05-02\n1 more could not be read as requests',
    );
    expect(stdout).toMatch(/ENTITLEMENT +REQUESTS +WAIT P50/);
    expect(stdout).toMatch(/APPROVER +PROMPTS/);
    expect(stdout).toContain('and 4 more (--top, or --json for all)');
    expect(stdout).toContain('unused-entitlement: warehouse:reporting#read');
  });
});

describe('FRI-5 what a proposal would have changed, from the report alone', () => {
  test('of past requests, those that it names; and not what was asked before in vain', () => {
    const ordinary = Array.from({ length: 40 }, () => ({}));
    const archive = archiveOfWrites([
      ...ordinary,
      { who: 'person/ines' },
      { durationMs: HOUR },
      { precedents: ['withdrawn'] },
    ]);
    const upTo = ['--to', new Date(BEGIN + 40 * HOUR).toISOString()];
    const report = friction('--no-server', '--archive', archive, ...span.slice(0, 2), ...upTo, '--json');
    const file = path.join(folder, 'friction.json');
    writeFileSync(file, report.stdout);
    const from = ['--no-server', '--archive', archive, '--proposal', file];
    const previewed = countersign('policy', 'preview', EXAMPLE_BUNDLE_DIR, ...from, '--json');
    expect(previewed.stderr).not.toMatch(/error/i);
    const { looked, differences } = JSON.parse(previewed.stdout);
    expect(looked).toBe(43);
    const changed = differences.filter(({ after }: { after: string }) => after.startsWith('permit'));
    expect(changed.map(({ request }: { request: string }) => request).sort()).toEqual(
      ordinary.map((_, index) => `write-${String(index).padStart(4, '0')}`),
    );
    const elsewhere = countersign('policy', 'preview', EXAMPLE_BUNDLE_DIR, ...from, '--about', 'nothing');
    expect(elsewhere.status).toBe(1);
    expect(elsewhere.stderr).toMatch(/it does about "warehouse:payments#write by production-write"/);
  });
});

describe('bad input is one line', () => {
  test.each([
    [['--from', 'nonsense'], /--from: "nonsense" is not a time such as .*, or a span/],
    [['--from', '1d', '--to', '2d'], /--from must be before --to/],
    [['--top', '0'], /--top/],
    [['--no-server'], /--archive/],
    [['leaving', '--within', 'soon'], /--within/],
  ])('%j', (args, message) => {
    const { status, stderr } = friction(...args);
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('PEAK'));
    expect(status).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
  });
});
