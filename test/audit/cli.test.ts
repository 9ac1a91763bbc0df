import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEvidence } from '../../src/audit/evidence/file';
import { generateNoteKey, readNoteSigner, readNoteVerifier } from '../../src/audit/log/note';
import { formatProof } from '../../src/audit/log/proof-file';
import { LogReader } from '../../src/audit/log/reader';
import { LogWriter } from '../../src/audit/log/writer';
import { leafOf } from '../../src/audit/verify/inclusion';
import { runCommand } from '../../src/stack/run-command';
import { KEPT_EVIDENCE } from '../support/audit';
import { resealed } from '../support/audit-reseal';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const NO_NETWORK = path.resolve(__dirname, '../support/no-network.cjs');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-audit-'));
  cpSync(KEPT_EVIDENCE, path.join(folder, 'evidence'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** In a network namespace of its own, where nothing can be reached, not even this machine; else with everything refused. */
const APART = spawnSync('unshare', ['-rn', 'true']).status === 0;
const file = (name: string) => path.join(folder, 'evidence', `${name}.json`);

function countersign(args: readonly string[], env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  const node = [process.execPath, '--require', NO_NETWORK, COMMAND, ...args];
  const [command = '', ...rest] = APART ? ['unshare', '-rn', ...node] : node;
  const { status, stdout, stderr } = spawnSync(command, rest, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, stdout, stderr };
}

const keys = generateNoteKey('example.com/countersign');

describe('AUD-3 verified with no server and the network off', () => {
  test('the network is off', () => {
    const result = spawnSync(process.execPath, ['--require', NO_NETWORK, '-e', "require('net').connect(1)"], {
      encoding: 'utf8',
    });
    expect(result.stderr).toMatch(/the network is off/);
  });

  test.each(['two-stages', 'endorsed-reroute', 'terminated', 'hostile', 'unreadable'])('%s', (name) => {
    const result = countersign(['audit', 'verify', file(name)]);
    expect(result.stderr).toBe('');
    expect(result.stdout).toMatch(/ok {4}history/);
    expect(result.stdout).toMatch(/-- {4}log/);
    expect(result.status).toBe(0);
  });

  test('with the log: what it holds, and what it does not', async () => {
    const signer = readNoteSigner(keys.signerKey);
    const read = parseEvidence(readFileSync(file('emergency'), 'utf8'), 'emergency');
    const verifier = readNoteVerifier(keys.verifierKey);
    if (signer === undefined || verifier === undefined || !read.ok) throw new Error('no log');
    const index = LogWriter.open(path.join(folder, 'log'), signer).append([leafOf(read.evidence)]);
    const log = LogReader.open(path.join(folder, 'log'), verifier);
    if (!log.ok) throw new Error(log.message);
    writeFileSync(path.join(folder, 'evidence', 'emergency.tlog-proof'), formatProof(log.log.prove(index)));
    const checkpoint = path.join(folder, 'yesterday');
    cpSync(path.join(folder, 'log', 'checkpoint'), checkpoint);
    const held = countersign(['audit', 'verify', file('emergency'), '--log-key', keys.verifierKey, '--json']);
    expect([held.status, JSON.parse(held.stdout)]).toMatchObject([0, { verified: true }]);
    const proofOf = path.join(folder, 'evidence', 'emergency.tlog-proof');
    const foreign = countersign([
      'audit',
      'verify',
      file('denied'),
      '--log-key',
      keys.verifierKey,
      '--proof',
      proofOf,
    ]);
    expect([foreign.status, foreign.stderr]).toEqual([
      1,
      expect.stringMatching(/log at proof: the log does not contain/),
    ]);
    const consistent = countersign([
      'audit',
      'log',
      'check',
      '--dir',
      path.join(folder, 'log'),
      '--log-key',
      keys.verifierKey,
      '--since',
      checkpoint,
    ]);
    expect([consistent.status, consistent.stdout]).toEqual([0, expect.stringMatching(/begins with the 1/)]);
    rmSync(path.join(folder, 'log', 'tile', 'entries'), { recursive: true });
    const place = ['--dir', path.join(folder, 'log'), '--log-key', keys.verifierKey];
    const broken = countersign(['audit', 'log', 'check', ...place]);
    expect([broken.status, broken.stdout, broken.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/the log is inconsistent: a tile is missing/),
    ]);
  });

  test('a changed byte is found, and where', () => {
    const text = readFileSync(file('two-stages'), 'utf8');
    const changed = path.join(folder, 'changed.json');
    writeFileSync(changed, text.replace('"by":"person/david"', '"by":"person/aiko"'));
    const result = countersign(['audit', 'verify', changed]);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/changed\.json fails its checks: seal/);
    expect(result.stdout).toMatch(/FAIL {2}chain[\s\S]*steps\[\d\]\.events\[\d\]\.hash/);
    expect(result.stdout).toMatch(/FAIL {2}history/);
    const story = countersign(['audit', 'show', changed]);
    expect(story.stderr).toMatch(/changed\.json: fails its checks, so do not trust it: seal/);
  });
});

describe('bad evidence is one clear line', () => {
  const bad = (name: string, content: string | Buffer) => {
    const place = path.join(folder, name);
    writeFileSync(place, content);
    return place;
  };
  test.each([
    [
      'truncated',
      () => bad('cut.json', readFileSync(file('denied'), 'utf8').slice(0, 20_000)),
      /cut\.json: is not JSON, or was cut off/,
    ],
    [
      'foreign',
      () => bad('foreign.json', '{"name":"countersign"}'),
      /foreign\.json: is not evidence of Countersign/,
    ],
    ['no JSON', () => bad('text.json', 'hello'), /text\.json: is not JSON/],
    ['not even text', () => bad('bytes.json', Buffer.from([0, 255, 1, 254])), /bytes\.json: is not JSON/],
    [
      'of a later version',
      () => bad('later.json', '{"format":"countersign-evidence","version":2}'),
      /later\.json: is evidence of version 2; this program reads version 1/,
    ],
    [
      'with a member missing',
      () => bad('half.json', '{"format":"countersign-evidence","version":1}'),
      /half\.json: evidence\.request/,
    ],
    [
      'deep',
      () => bad('deep.json', `${'['.repeat(200_000)}${']'.repeat(200_000)}`),
      /deep\.json: is not evidence/,
    ],
    ['not there', () => path.join(folder, 'nothing.json'), /nothing\.json: cannot be read/],
    [
      '100 MB',
      () => {
        const place = bad('huge.json', '');
        truncateSync(place, 100 * 1024 * 1024);
        return place;
      },
      /huge\.json: is larger than the limit of 64 MiB/,
    ],
    [
      '50 MB of JSON',
      () =>
        bad(
          'large.json',
          `{"format":"countersign-evidence","version":1,"x":"${'y'.repeat(50 * 1024 * 1024)}"}`,
        ),
      /large\.json: evidence\./,
    ],
  ] as const)('%s', (_, make, message) => {
    const result = countersign(['audit', 'verify', make()]);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect([result.status, result.stdout]).toEqual([1, '']);
  });

  test.each([
    ['a key that is none', ['--log-key', 'nonsense'], /nonsense is neither a key of a log/],
    ['a bundle that is not there', ['--policy', 'nowhere'], /nowhere holds no policy bundle/],
    ['a directory that is not there', ['--directory', 'nowhere'], /cannot read the directory file/],
    ['a proof that is not there', ['--log-key', keys.verifierKey], /cannot read the proof/],
  ] as const)('%s', (_, options, message) => {
    const result = countersign(['audit', 'verify', file('denied'), ...options]);
    expect([result.status, result.stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('an archive that is damaged in one place is reported on without it, and says so', () => {
    cpSync(path.join(folder, 'evidence'), path.join(folder, 'damaged'), { recursive: true });
    writeFileSync(path.join(folder, 'damaged', 'denied.json'), 'x');
    const result = countersign(['audit', 'report', path.join(folder, 'damaged'), '--of', 'approvals']);
    expect([result.status, result.stderr]).toEqual([0, expect.stringMatching(/skipped: .*denied\.json/)]);
  });

  test('a forged file is not reported: neither one whose hashes do not hold, nor in the place of the genuine one', () => {
    const place = path.join(folder, 'forged');
    mkdirSync(place);
    const text = readFileSync(file('two-stages'), 'utf8');
    writeFileSync(path.join(place, 'a.json'), text.replace('"by":"person/david"', '"by":"person/aiko"'));
    // Longer than the genuine one, with hashes made good: its course is not one that the rules allow.
    const genuine = JSON.parse(text);
    const doubled = resealed({ ...genuine, steps: [...genuine.steps, ...genuine.steps.slice(-1)] });
    writeFileSync(path.join(place, 'b.json'), JSON.stringify(doubled));
    cpSync(file('two-stages'), path.join(place, 'c.json'));
    const args = ['audit', 'report', place, '--format', 'json'];
    const honest = countersign(args);
    expect([honest.status, honest.stderr.trim().split('\n')]).toEqual([
      0,
      [
        expect.stringMatching(/skipped: .*a\.json: fails its checks: seal/),
        expect.stringMatching(/skipped: .*b\.json: fails its checks: decisions/),
      ],
    ]);
    const report = JSON.parse(honest.stdout);
    expect([report.requests, report.unproved]).toEqual([1, 0]);
    expect(report.checked).toEqual([
      'seal',
      'chain',
      'decisions',
      'versions',
      'assessment',
      'statements',
      'duties',
    ]);
    expect(report.approvals.map(({ by }: { by: string }) => by)).toContain('person/david');
    // One that the rules allow, and that tells it otherwise: which of the two is forged nobody can tell here.
    const { atMs } = genuine.steps.at(-1).command;
    const steps = JSON.parse(
      JSON.stringify(genuine.steps).replaceAll(`"atMs":${atMs}`, `"atMs":${atMs + 1}`),
    );
    writeFileSync(path.join(place, 'd.json'), JSON.stringify(resealed({ ...genuine, steps })));
    const doubtful = countersign(args);
    expect(doubtful.stderr).toMatch(
      /these contradict each other, at least one is forged: .*c\.json, .*d\.json/,
    );
    expect(JSON.parse(doubtful.stdout).requests).toBe(2);
  });
});

describe('for people: the story and the report', () => {
  test('the story names people, reasons, times and digests', () => {
    const { stdout, status } = countersign(['audit', 'show', file('endorsed-reroute')]);
    expect(status).toBe(0);
    for (const part of [
      /ci\/payments asked for warehouse:payments#admin/,
      /person\/nadia put person\/oskar in the place of person\/mira/,
      /approver-absent, ticket OPS-1/,
      /person\/viktor endorsed it/,
      /sha-256:[\w-]{43}/,
      /was refused: CONFLICTED/,
      /Access was given to payments_ci/,
    ])
      expect(stdout).toMatch(part);
  });

  test('the report answers every question, as a table, CSV and JSON', () => {
    const { stdout, status } = countersign([
      'audit',
      'report',
      path.join(folder, 'evidence'),
      '--format',
      'json',
    ]);
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.approvals).toContainEqual(expect.objectContaining({ by: 'person/david', stage: 'dba' }));
    expect(report.reroutes).toContainEqual(
      expect.objectContaining({ by: 'person/nadia', 'second review': 'given by person/viktor' }),
    );
    expect(report.emergencies).toContainEqual(
      expect.objectContaining({ review: expect.stringMatching(/^justified, by person\/amara/) }),
    );
    expect(report.refusals).toContainEqual(expect.objectContaining({ code: 'NOT_HUMAN', by: 'ci/payments' }));
    expect(report.stops).toContainEqual(
      expect.objectContaining({ outcome: 'hard_stop', codes: 'CONTROL_WEAKENING' }),
    );
    expect(report.duties.length).toBeGreaterThan(5);
    expect(JSON.stringify(report.duties)).not.toContain('NOT SEPARATE');
    expect(report.alive).toEqual([]);
    expect(report.denials.length).toBeGreaterThan(0);
    const csv = countersign([
      'audit',
      'report',
      path.join(folder, 'evidence'),
      '--format',
      'csv',
      '--of',
      'approvals',
    ]);
    expect(csv.stdout.split('\n')[0]).toBe('at,request,by,stage,what,for,asked by,status,proof');
    const table = countersign(['audit', 'report', path.join(folder, 'evidence')]);
    expect(table.stdout).toMatch(/who approved what for whom \(\d+\)/);
  });

  test.each([
    [['--format', 'pdf'], /--format pdf/],
    [['--of', 'everything'], /--of everything/],
    [['--from', 'yesterday'], /--from: "yesterday" is not a time/],
    [['--from', '2026-02-01', '--to', '2026-01-01'], /--from must be before --to/],
    [['--format', 'csv'], /choose it with --of/],
  ] as const)('wrong usage %j', (options, message) => {
    const result = countersign(['audit', 'report', folder, ...options]);
    expect([result.status, result.stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('for machines: events', () => {
  test('to stdout and to a file', () => {
    const { stdout, status } = countersign([
      'audit',
      'events',
      path.join(folder, 'evidence'),
      '--source',
      'urn:countersign:test',
    ]);
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(100);
    expect(lines[0]).toMatchObject({ specversion: '1.0', source: 'urn:countersign:test' });
    const output = path.join(folder, 'events.jsonl');
    expect(countersign(['audit', 'events', path.join(folder, 'evidence'), '-o', output]).status).toBe(0);
    expect(existsSync(output)).toBe(true);
    expect(countersign(['audit', 'events', path.join(folder, 'evidence'), '-o', output]).stderr).toMatch(
      /exists already/,
    );
  });

  test.each([
    'http://events.example/',
    'ftp://127.0.0.1/',
    'http://localhost.example/',
    'nonsense',
  ])('to %s nothing is sent: its token would go in clear', (webhook) => {
    const { status, stderr } = countersign(['audit', 'events', file('denied'), '--webhook', webhook]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/must be an https address/)]);
  });

  test('to a webhook: in order, tried again when it fails, with its token, each told by its id', async () => {
    const taken: string[] = [];
    let failures = 2;
    const tokens = new Set<string | undefined>();
    const server = createServer((request: IncomingMessage, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        tokens.add(request.headers.authorization);
        failures -= 1;
        if (failures >= 0) return response.writeHead(503).end();
        taken.push(JSON.parse(body).id);
        return response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const args = ['audit', 'events', file('denied'), '--webhook', `http://127.0.0.1:${port}/`];
      const env = { ...process.env, COUNTERSIGN_WEBHOOK_TOKEN: 'a token' };
      await runCommand(process.execPath, [COMMAND, ...args], env);
    } finally {
      server.close();
    }
    const { steps } = JSON.parse(readFileSync(file('denied'), 'utf8'));
    expect(taken).toEqual(
      steps.flatMap((step: { events: { hash: string }[] }) => step.events.map(({ hash }) => hash)),
    );
    expect([...tokens]).toEqual(['Bearer a token']);
  });
});
