import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { PostgresqlSink } from '../../src/audit/archive/postgresql-sink';
import { CountersignClient } from '../../src/client';
import type { AccessRequest } from '../../src/domain/request';
import { freePort } from '../../src/stack/free-port';
import { READ, WRITE } from '../support/harness-asks';
import { Cast } from '../support/harness-cast';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { startS3, type TestS3 } from '../support/s3';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const { PATH = '', HOME = '' } = process.env;
const UNREACHABLE = 'http://127.0.0.1:1';

let root: string;
let postgres: TestPostgres;
let s3: TestS3;
let up: ChildProcess;
let address: string;
let connection: Connection;
let cast: Cast;
let sink: PostgresqlSink;

const at = (...names: string[]) => path.join(root, ...names);

/** The command, as an operator runs it beside the stack. */
function countersign(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const place = { TEMPORAL_ADDRESS: address, COUNTERSIGN_BUNDLE: at('state', 'bundle') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH, HOME, ...place, ...env },
  });
  return { status, stdout, stderr };
}

const inPostgres = () => ({ COUNTERSIGN_ARCHIVE_FILE: at('archive.url') });
const inS3 = (endpoint = s3.endpoint) => ({
  COUNTERSIGN_ARCHIVE: `s3://${s3.bucket}/audit?endpoint=${endpoint}`,
  AWS_ACCESS_KEY_ID: s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
});

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'countersign-product-'));
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  address = '';
  await postgres.query(countersign(['audit', 'archive', 'schema']).stdout);
  await postgres.query('CREATE ROLE archivist LOGIN IN ROLE countersign_archivist');
  writeFileSync(at('archive.url'), `${postgres.url.replace('postgres@', 'archivist@')}\n`);
  sink = new PostgresqlSink(readFileSync(at('archive.url'), 'utf8').trim());
  const key = countersign(['audit', 'log', 'key', 'countersign.example/log', '-o', at('log.key')]);
  writeFileSync(at('log.pub'), key.stdout);
  const [temporalPort, uiPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  up = spawn(
    process.execPath,
    [
      ...[COMMAND, 'up', '--state-dir', at('state')],
      ...['--temporal-port', String(temporalPort), '--ui-port', String(uiPort)],
      ...['--http-port', String(httpPort)],
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...{ PATH, HOME, ...inPostgres() },
        // It looks when it starts, and then not again as long as this test runs.
        COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS: '3600',
        COUNTERSIGN_LOG_DIR: at('log'),
        COUNTERSIGN_LOG_KEY_FILE: at('log.key'),
      },
    },
  );
  await new Promise<void>((resolve, reject) => {
    up.stdout?.on('data', (chunk) => String(chunk).includes('ready ') && resolve());
    up.once('exit', (code) => reject(new Error(`countersign up ended with ${code}`)));
  });
  address = `127.0.0.1:${temporalPort}`;
  connection = await Connection.connect({ address });
  cast = new Cast(new CountersignClient(new Client({ connection })), at('state'));
}, 300_000);

afterAll(async () => {
  await connection?.close();
  await sink?.close();
  up?.kill('SIGTERM');
  if (up?.exitCode === null) await once(up, 'exit');
  s3?.stop();
  postgres?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** One that was granted and has ended, and one that was denied; closed as the server's lists have it too. */
async function closed(): Promise<readonly AccessRequest[]> {
  const granted = await cast.ask({ ...READ, durationMs: 300 });
  const denied = await cast.ask(WRITE);
  await cast.say('person/tomas', 'deny', denied);
  await Promise.all([cast.over(granted), cast.over(denied)]);
  const { workflowService: service } = connection;
  await eventuallyTrue('both are listed as closed', async () => {
    const query = "WorkflowType = 'accessRequest' AND ExecutionStatus = 'Completed'";
    const { count } = await service.countWorkflowExecutions({ namespace: 'default', query });
    return Number(count) >= 2;
  });
  return [granted, denied];
}

describe('AUD-4 evidence is archived by the product as it is started', () => {
  let requests: readonly AccessRequest[];

  test('a worker that is killed between the end of a request and its archiving: the next one finds it', async () => {
    requests = await closed();
    expect(await sink.list('evidence/')).toEqual([]);
    const { processes } = JSON.parse(readFileSync(at('state', 'stack.json'), 'utf8'));
    process.kill(processes.worker.pid, 'SIGKILL');
    const names = await eventually(
      'the next worker archives both',
      async () => {
        const found = (await sink.list('evidence/')).filter((name) => name.endsWith('.json'));
        return found.length === requests.length ? found : undefined;
      },
      120_000,
    );
    for (const { id } of requests) expect(names.join()).toContain(id);
  }, 180_000);

  test('what is archived holds, and is in the log', async () => {
    const [name = ''] = (await sink.list('evidence/')).filter((one) => one.endsWith('.json'));
    const proof = name.replace('.json', '.tlog-proof');
    await eventuallyTrue('its proof is beside it', () => sink.has(proof));
    writeFileSync(at('archived.json'), (await sink.get(name)) ?? '');
    writeFileSync(at('archived.tlog-proof'), (await sink.get(proof)) ?? '');
    const bundle = at('state', 'bundle');
    const { stdout, stderr, status } = countersign([
      ...['audit', 'verify', at('archived.json'), '--log-key', at('log.pub')],
      ...['--policy', bundle, '--directory', path.join(bundle, 'directory.yaml')],
    ]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.match(/ {2}ok {4}/g)).toHaveLength(12);
    // The database's own rules keep it: this login can neither change nor take away.
    await expect(new Promise((resolve) => resolve(sink.put(name, Buffer.from('other'))))).rejects.toThrow();
  });

  test('export makes the same course from the server as the archive holds', () => {
    const archived = JSON.parse(readFileSync(at('archived.json'), 'utf8'));
    const file = at('exported.json');
    const result = countersign(['audit', 'export', archived.request, '-o', file], inPostgres());
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      head: archived.head,
      policies: archived.policies,
      directories: archived.directories,
    });
  });

  test('export beside a stack that was started with nothing said finds what that stack decides by', () => {
    const archived = JSON.parse(readFileSync(at('archived.json'), 'utf8'));
    const nothingSaid = { COUNTERSIGN_BUNDLE: 'policies', COUNTERSIGN_STATE_DIR: at('state') };
    const file = at('beside.json');
    const found = countersign(['audit', 'export', archived.request, '-o', file], nothingSaid);
    expect([found.status, found.stderr]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(file, 'utf8')).directories).toEqual(archived.directories);
    const gappy = at('gappy.json');
    const nowhere = { ...nothingSaid, COUNTERSIGN_STATE_DIR: at('nowhere') };
    const lacking = countersign(['audit', 'export', archived.request, '-o', gappy], nowhere);
    expect([lacking.status, lacking.stderr.trim().split('\n')]).toEqual([
      1,
      [expect.stringMatching(/gappy\.json was written, but is incomplete/)],
    ]);
    expect(JSON.parse(readFileSync(gappy, 'utf8')).policies).toEqual([]);
  });

  test('once, by hand, to S3 and to a folder; what cannot be archived is told, and ends with 1', () => {
    const failed = countersign(['audit', 'archive'], inS3(UNREACHABLE));
    expect([failed.status, failed.stderr]).toEqual([
      1,
      expect.stringMatching(/2 closed requests are not archived|cannot be reached/),
    ]);
    expect(failed.stderr).not.toContain(s3.secretAccessKey);
    for (const env of [inS3(), { COUNTERSIGN_ARCHIVE: at('folder') }]) {
      const first = countersign(['audit', 'archive'], env);
      expect([first.status, first.stdout]).toEqual([0, expect.stringMatching(/^2 archived, 0 open/)]);
      expect(countersign(['audit', 'archive'], env).stdout).toMatch(/^0 archived/);
    }
    expect(readdirSync(at('folder', 'evidence')).sort()).toEqual(requests.map(({ id }) => id).sort());
  });

  test('FRI-4 reports and friction read each of the archives, and say the same', () => {
    const places = [inPostgres(), inS3(), { COUNTERSIGN_ARCHIVE: at('folder') }];
    const reports = places.map((env) => {
      const report = countersign(['audit', 'report', '--format', 'json'], env);
      expect([report.status, report.stderr]).toEqual([0, '']);
      const { refusals, approvals, requests: count } = JSON.parse(report.stdout);
      return { refusals, approvals, count };
    });
    expect(reports[0]).toMatchObject({ count: 2 });
    expect(reports).toEqual([reports[0], reports[0], reports[0]]);
    const figures = places.map((env) => {
      const said = countersign(['friction', '--no-server', '--archive', '--json'], env);
      expect(said.status).toBe(0);
      return JSON.parse(said.stdout).total;
    });
    expect(figures[0]).toMatchObject({ requests: 2, outcomes: { granted: 1, denied: 1 } });
    expect(figures).toEqual([figures[0], figures[0], figures[0]]);
    const named = countersign(
      ['friction', '--no-server', '--archive', inS3().COUNTERSIGN_ARCHIVE, '--json'],
      inS3(),
    );
    expect(JSON.parse(named.stdout).total).toEqual(figures[0]);
  });

  test.each([
    ['an address with a password', 'postgres://a:secret@127.0.0.1/x', 2, /COUNTERSIGN_ARCHIVE_FILE/],
    ['a folder without evidence', 'nowhere', 1, /nowhere holds no folder "evidence"/],
  ])('FRI-4 friction refuses %s in one line', (_, where, code, message) => {
    const { status, stderr } = countersign(['friction', '--no-server', '--archive', where]);
    expect([status, stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('secret');
  });
});
