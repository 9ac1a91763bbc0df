import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function countersign(args: readonly string[], env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, HOME, XDG_CONFIG_HOME: folder, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env },
  });
  return { status, stdout, stderr };
}

/** Writes a request file and yields its path. */
function requestFile(content: string): string {
  const file = path.join(folder, `request-${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(file, content);
  return file;
}

const RUN = [
  '--entitlement',
  'warehouse:reporting#read',
  '--for',
  '5m',
  '--reason',
  'x',
  '--as',
  'agent/atlas',
];
const request =
  'requester: agent/atlas\nentitlement: warehouse:reporting#read\nduration: 15m\nreason: report\n';

describe('bad input at the command line is one line that says what and where', () => {
  test.each([
    ['no such command', ['frobnicate'], 2, /unknown command/],
    ['a verb without an id', ['approve'], 2, /missing required argument|--as/],
    ['a verb without a signer', ['approve', 'request-0001'], 2, /--as/],
    ['a signer that is no principal', ['approve', 'request-0001', '--as', 'mira'], 2, /person\/mira/],
    ['a signer without a key', ['approve', 'request-0001', '--as', 'person/mira'], 2, /--key FILE/],
    [
      'a key file that is not there',
      ['approve', 'request-0001', '--as', 'person/mira', '--key', 'no.jwk'],
      1,
      /no\.jwk/,
    ],
    [
      'a life that is too long',
      ['deny', 'request-0001', '--as', 'person/mira', '--reason-code', 'NO', '--life', '48h'],
      2,
      /--life: at most 24h/,
    ],
    [
      'a life that is too long for an approval',
      ['approve', 'request-0001', '--as', 'person/mira', '--life', '8d'],
      2,
      /--life: at most 7d/,
    ],
    ['a name that every object has', ['constructor'], 2, /unknown command/],
    ['a status that does not exist', ['request', 'list', '--status', 'lost'], 2, /lost/],
    ['a port that is none', ['up', '--temporal-port', 'x'], 2, /--temporal-port/],
    ['a file that is not there', ['request', 'submit', 'no.yaml'], 1, /no\.yaml/],
    ['a command without one', ['run', ...RUN], 2, /command/],
    [
      'a command for everything',
      ['run', ...RUN, '--entitlement', 'all', '--', 'true'],
      2,
      /connector:resource#action/,
    ],
    ['a command for ever', ['run', ...RUN, '--for', 'ever', '--', 'true'], 2, /--for/],
    [
      'an agent that acts as a person',
      ['mcp', '--as', 'person/mira', '--gateway', 'http://h'],
      2,
      /not as a person/,
    ],
    ['an agent at no gateway', ['mcp', '--as', 'agent/atlas', '--gateway', 'file:///x'], 2, /--gateway/],
    [
      'a server that is not there',
      ['request', 'list'],
      1,
      /UNREACHABLE: cannot reach Temporal at 127\.0\.0\.1:1: the connection is refused.*TEMPORAL_ADDRESS/,
    ],
  ] as const)('%s', (_, args, status, message) => {
    const result = countersign(args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect([result.status, result.stdout]).toEqual([status, '']);
  });

  test.each([
    ['broken YAML', 'requester: [\n', /:2|:1/],
    ['a member that nobody knows', `${request}quorum: 0\n`, /quorum/],
    ['no reason', request.replace('reason: report\n', ''), /reason/],
    ['a duration in words', request.replace('15m', 'a while'), /duration.*a while/],
    ['a standing grant', request.replace('15m', '0s'), /durationMs/],
    ['a grant over the ceiling', request.replace('15m', '31d'), /durationMs/],
    [
      'an entitlement that is none',
      request.replace('warehouse:reporting#read', 'everything'),
      /connector:resource#action/,
    ],
    [
      'control characters in the reason',
      request.replace('report\n', '"re\\u001bport"\n'),
      /control characters/,
    ],
    ['aliases', `${request}ticket: &a x\nrollback: *a\n`, /alias/i],
    ['70 KB', `${request}rollback: ${'x'.repeat(70_000)}\n`, /65536 bytes/],
  ])('a request file with %s', (_, content, message) => {
    const result = countersign(['request', 'submit', requestFile(content)]);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.status).toBeGreaterThan(0);
  });

  test('a misspelt setting', () => {
    const result = countersign(['request', 'list'], { COUNTERSIGN_BUNDEL: 'x' });
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('COUNTERSIGN_BUNDEL')]);
  });

  test('a command that lacks its subcommand is answered with help, and machines with an error', () => {
    const { status, stdout, stderr } = countersign(['audit', 'log']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: countersign audit log');
    const { stdout: json } = countersign(['keys', '--json']);
    expect(JSON.parse(json)).toEqual({ error: { code: 'USAGE', message: expect.any(String) } });
  });

  test('the version is the one of the package', () => {
    expect(countersign(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('what a check finds is its answer, and that it found something is an error too', () => {
    const { status, stdout, stderr } = countersign(['policy', 'check', 'nowhere']);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^nowhere:1: cannot be read.*\n$/)]);
    expect(stderr).toMatch(/^countersign: nowhere.*cannot be read.*\n$/);
  });

  test('for machines, the error is JSON with a code', () => {
    const result = countersign(['request', 'list', '--json']);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'UNREACHABLE' } });
  });
});
