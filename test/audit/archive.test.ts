import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Archivist, evidenceName, proofName } from '../../src/audit/archive/archivist';
import { FolderSink } from '../../src/audit/archive/folder-sink';
import type { ArchiveSink } from '../../src/audit/archive/sink';
import { ArchivedVersions, keepingVersions } from '../../src/audit/archive/versions';
import { evidenceText, parseEvidence } from '../../src/audit/evidence/file';
import type { FindingSource } from '../../src/audit/evidence/recorded-findings';
import type { EvidenceFile } from '../../src/audit/evidence/schema';
import { LogHeads } from '../../src/audit/log/heads';
import { generateNoteKey, readNoteSigner, readNoteVerifier } from '../../src/audit/log/note';
import { LogReader } from '../../src/audit/log/reader';
import { Replayer } from '../../src/audit/replay';
import { aliveAt } from '../../src/audit/report/report';
import { verifyEvidence } from '../../src/audit/verify/verify';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { workflowIdOf } from '../../src/contracts/names';
import { createBundleSource, FileTicketSource } from '../../src/policy';
import { findingsIn } from '../support/audit';
import { resealed } from '../support/audit-reseal';
import { builtWorkflowBundle, Harness } from '../support/harness';
import { READ, WRITE } from '../support/harness-asks';
import { sleep } from '../support/harness-wait';

let harness: Harness;
let folder: string;
let heads: LogHeads;
const replayer = new Replayer(builtWorkflowBundle());
const keys = generateNoteKey('example.com/countersign');
const signer = readNoteSigner(keys.signerKey) ?? fail('no signer');
const verifier = readNoteVerifier(keys.verifierKey) ?? fail('no verifier');

function fail(message: string): never {
  throw new Error(message);
}

beforeAll(async () => {
  harness = await Harness.start();
  heads = new LogHeads({ url: harness.postgres.url, maxConnections: 2 });
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-archive-'));
  await harness.postgres.query("ALTER SYSTEM SET log_statement = 'ddl'");
  await harness.postgres.query("ALTER SYSTEM SET log_line_prefix = '%n '");
  await harness.postgres.query('SELECT pg_reload_conf()');
}, 120_000);
afterAll(async () => {
  await Promise.all([replayer.close(), heads?.close()]);
  await harness?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const errors: string[] = [];
const logger = {
  ...SILENT_LOGGER,
  error: (about: object, message: string) => void errors.push(`${message} ${JSON.stringify(about)}`),
};

/** An archivist over a sink, with the log where it is asked for. Keeps today's bundle first. */
async function archivist(
  sink: ArchiveSink,
  about: {
    readonly logged?: boolean;
    readonly nowMs?: () => number;
    readonly checkpointAfterMs?: number;
    readonly targets?: FindingSource;
  } = {},
): Promise<Archivist> {
  const { logged = true, checkpointAfterMs = 86_400_000, nowMs, targets } = about;
  const source = await createBundleSource(harness.bundle.dir, {
    tickets: new FileTicketSource(undefined),
    logger,
  });
  await keepingVersions(source, new ArchivedVersions(sink), logger).current();
  return new Archivist({
    client: harness.temporal,
    namespace: 'default',
    sink,
    versions: new ArchivedVersions(sink),
    replayer,
    checkpointAfterMs,
    logger,
    ...(nowMs && { nowMs }),
    ...(targets && { targets }),
    ...(logged && { log: { dir: path.join(folder, 'log'), signer, heads } }),
  });
}

async function evidenceAt(sink: ArchiveSink, name: string): Promise<EvidenceFile> {
  const read = parseEvidence((await sink.get(name))?.toString() ?? '', name);
  return read.ok ? read.evidence : fail(read.message);
}

const runIdOf = async (requestId: string) =>
  (await harness.temporal.workflow.getHandle(workflowIdOf(requestId)).describe()).runId;

describe('AUD-4 evidence outlives the retention of the orchestrator', () => {
  test('what has closed is archived whichever way it closed, proved to be in the log, and holds offline', async () => {
    const sink = new FolderSink(path.join(folder, 'archive'));
    const granted = await harness.cast.ask({ ...READ, durationMs: 300 });
    const denied = await harness.cast.ask(WRITE);
    await harness.cast.say('person/tomas', 'deny', denied);
    const terminated = await harness.cast.ask(WRITE);
    await harness.temporal.workflow.getHandle(workflowIdOf(terminated.id)).terminate('gone');
    const open = await harness.cast.ask(WRITE);
    await harness.cast.over(granted);
    await harness.cast.over(denied);
    await sleep(1_500);
    const one = await archivist(sink);
    const pass = await one.pass();
    expect(pass.failed).toEqual([]);
    expect([...pass.archived].sort()).toEqual([granted.id, denied.id, terminated.id].sort());
    expect(pass.archived).not.toContain(open.id);
    for (const { id } of [granted, denied, terminated]) {
      const name = evidenceName({ requestId: id, runId: await runIdOf(id) });
      const evidence = await evidenceAt(sink, name);
      const proof = (await sink.get(proofName(name)))?.toString() ?? '';
      const text = (await sink.get(name))?.toString() ?? '';
      const verification = await verifyEvidence(evidence, { text, replayer, log: { verifier, proof } });
      expect(findingsIn(verification)).toEqual([]);
      // Evidence of another request is not what this proof speaks of.
      const other = id === granted.id ? denied.id : granted.id;
      const foreign = await evidenceAt(sink, evidenceName({ requestId: other, runId: await runIdOf(other) }));
      expect((await verifyEvidence(foreign, { log: { verifier, proof } })).ok).toBe(false);
    }
  });

  test('a second look, and one of another process, write nothing twice', async () => {
    const sink = new FolderSink(path.join(folder, 'archive'));
    const before = await sink.list('');
    const size = () => {
      const read = LogReader.open(path.join(folder, 'log'), verifier);
      return read.ok ? read.log.checkpoint.size : fail(read.message);
    };
    const leaves = size();
    const pass = await (await archivist(sink)).pass();
    expect([pass.archived, pass.failed, await sink.list(''), size()]).toEqual([[], [], before, leaves]);
  });

  test('SHP-3 an archive that was lost is written again from what the server has, word for word and without a second leaf', async () => {
    const lost = new FolderSink(path.join(folder, 'archive'));
    const again = new FolderSink(path.join(folder, 'archive-again'));
    const size = () => {
      const read = LogReader.open(path.join(folder, 'log'), verifier);
      return read.ok ? read.log.checkpoint.size : fail(read.message);
    };
    const leaves = size();
    expect((await (await archivist(again)).pass()).failed).toEqual([]);
    const names = (await lost.list('evidence/')).filter((name) => name.endsWith('.json'));
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) expect([name, await again.get(name)]).toEqual([name, await lost.get(name)]);
    for (const name of names) expect(await again.has(proofName(name))).toBe(true);
    expect(size()).toBe(leaves);
  });

  test('a crash between the archive and the log is made good, without a second leaf', async () => {
    const sink = new FolderSink(path.join(folder, 'archive'));
    const request = await harness.cast.ask({ ...READ, durationMs: 300 });
    await harness.cast.over(request);
    await sleep(1_000);
    const name = evidenceName({ requestId: request.id, runId: await runIdOf(request.id) });
    await (await archivist(sink, { logged: false })).pass();
    expect([await sink.has(name), await sink.has(proofName(name))]).toEqual([true, false]);
    await (await archivist(sink)).pass();
    const proof = await sink.get(proofName(name));
    expect(proof).toBeDefined();
    rmSync(path.join(folder, 'archive', proofName(name)), { force: true });
    await (await archivist(sink)).pass();
    expect((await sink.get(proofName(name)))?.toString().split('\n')[1]).toBe(
      proof?.toString().split('\n')[1],
    );
  });

  test('what lies in the place of evidence is not signed for, and not taken for it', async () => {
    const place = path.join(folder, 'planted');
    const sink = new FolderSink(place);
    const [first, other] = [await harness.cast.ask(WRITE), await harness.cast.ask(WRITE)];
    const runId = await runIdOf(first.id);
    const name = evidenceName({ requestId: first.id, runId });
    // As it stands now: genuine, and not its end.
    const scratch = new FolderSink(path.join(folder, 'scratch'));
    const tomorrow = Date.now() + 86_500_000;
    await (await archivist(scratch, { logged: false, nowMs: () => tomorrow })).pass();
    const [earlyName = ''] = await scratch.list(`checkpoint/${first.id}/`);
    const early = await evidenceAt(scratch, earlyName);
    for (const request of [first, other]) await harness.cast.say('person/tomas', 'deny', request);
    for (const request of [first, other]) await harness.cast.over(request);
    await sleep(1_000);
    await (await archivist(scratch, { logged: false })).pass();
    const genuine = await evidenceAt(scratch, name);
    const otherName = evidenceName({ requestId: other.id, runId: await runIdOf(other.id) });
    const found = { kind: 'missing', account: 'a', grant: 'g', firstAtMs: 1, lastAtMs: 1, times: 1 } as const;
    const dropped = { ...genuine, steps: genuine.steps.slice(0, -1) };
    const planted: Record<string, string> = {
      garbage: 'x',
      'another request': evidenceText(await evidenceAt(scratch, otherName)),
      'an earlier state': evidenceText(early),
      'a finding made up': evidenceText(resealed({ ...genuine, findings: [found] }) ?? genuine),
      'a step left out': evidenceText(resealed(dropped) ?? genuine),
    };
    const size = () => {
      const read = LogReader.open(path.join(folder, 'log'), verifier);
      return read.ok ? read.log.checkpoint.size : fail(read.message);
    };
    // One look, for what else has closed to be archived.
    await (await archivist(sink)).pass();
    const file = path.join(place, name);
    const leaves = size();
    for (const [what, text] of Object.entries(planted)) {
      for (const old of [file, path.join(place, proofName(name))]) rmSync(old, { force: true });
      writeFileSync(file, text);
      const late = Date.now() + 12 * 3_600_000;
      for (const logged of [true, false]) {
        const pass = await (await archivist(sink, { logged, nowMs: () => late })).pass();
        expect([what, pass.failed]).toEqual([
          what,
          [{ requestId: first.id, reason: expect.stringMatching(/^something else is archived/) }],
        ]);
        expect(pass.alarms).toEqual([first.id]);
      }
      expect([what, size()]).toEqual([what, leaves]);
      expect(await sink.has(proofName(name))).toBe(false);
    }
    // A proof of something else says nothing for it either.
    rmSync(file);
    writeFileSync(file, evidenceText(genuine));
    writeFileSync(path.join(place, proofName(name)), (await sink.get(proofName(otherName))) ?? '');
    const [failed] = (await (await archivist(sink)).pass()).failed;
    expect(failed).toEqual({ requestId: first.id, reason: expect.stringMatching(/does not contain this/) });
    for (const old of [file, path.join(place, proofName(name))]) rmSync(old);
    const pass = await (await archivist(sink)).pass();
    expect([pass.failed, pass.archived]).toEqual([[], [first.id]]);
  }, 120_000);

  test('a target that is down once costs evidence a look, and nothing that was found', async () => {
    const sink = new FolderSink(path.join(folder, 'down'));
    const request = await harness.cast.ask({ ...READ, durationMs: 300 });
    await harness.cast.over(request);
    await sleep(1_000);
    const found = { kind: 'missing', account: 'a', grant: 'g', firstAtMs: 1, lastAtMs: 1, times: 1 } as const;
    let isDown = true;
    const targets: FindingSource = {
      findings: async (_, requestId) => {
        if (isDown) throw new Error('down');
        return requestId === request.id ? [found] : [];
      },
    };
    const ofIt = ({ requestId }: { requestId: string }) => requestId === request.id;
    const one = await archivist(sink, { logged: false, targets });
    expect((await one.pass()).failed.find(ofIt)?.reason).toMatch(/the evidence is incomplete: the findings/);
    const name = evidenceName({ requestId: request.id, runId: await runIdOf(request.id) });
    expect(await sink.has(name)).toBe(false);
    isDown = false;
    expect((await one.pass()).archived).toContain(request.id);
    expect((await evidenceAt(sink, name)).findings).toEqual([found]);
    // Another process takes it for what it is, though the target has seen it again since.
    const again: FindingSource = {
      findings: async () => [{ ...found, lastAtMs: 2, times: 2 }],
    };
    expect((await (await archivist(sink, { logged: false, targets: again })).pass()).failed).toEqual([]);
    // Before the server forgets it, what there is is better than nothing.
    isDown = true;
    const elsewhere = new FolderSink(path.join(folder, 'down-for-long'));
    const late = Date.now() + 12 * 3_600_000;
    const last = await archivist(elsewhere, { logged: false, targets, nowMs: () => late });
    const pass = await last.pass();
    expect([pass.failed, pass.archived]).toEqual([[], expect.arrayContaining([request.id])]);
  }, 120_000);

  test('an open request is archived as it stands, once a period', async () => {
    const sink = new FolderSink(path.join(folder, 'open'));
    const request = await harness.cast.ask(WRITE);
    const later = Date.now() + 3 * 86_400_000;
    const one = await archivist(sink, { logged: false, nowMs: () => later });
    const pass = await one.pass();
    expect(pass.checkpoints).toContain(request.id);
    expect((await one.pass()).checkpoints).toEqual([]);
    const [name = ''] = (await sink.list('checkpoint/')).filter((item) => item.includes(request.id));
    const evidence = await evidenceAt(sink, name);
    expect([evidence.status, evidence.execution]).toEqual(['awaiting_approval', 'running']);
    expect(findingsIn(await verifyEvidence(evidence, { replayer }))).toEqual([]);
  });

  test('an archive that is down is no reason to forget: it alarms before the server would, and catches up', async () => {
    const working = new FolderSink(path.join(folder, 'later'));
    let isDown = true;
    const sink: ArchiveSink = {
      place: 'test',
      has: (name) => working.has(name),
      get: (name) => working.get(name),
      list: (prefix) => working.list(prefix),
      close: () => working.close(),
      put: async (name, content) => {
        if (isDown && name.startsWith('evidence/')) throw new Error('the storage cannot be reached');
        await working.put(name, content);
      },
    };
    let nowMs = Date.now();
    const one = await archivist(sink, { logged: false, nowMs: () => nowMs });
    const soon = await one.pass();
    expect(soon.failed.length).toBeGreaterThan(3);
    expect(soon.alarms).toEqual([]);
    nowMs += 12 * 3_600_000;
    errors.length = 0;
    const late = await one.pass();
    expect(late.alarms.length).toBe(late.failed.length);
    expect(
      errors.some((line) => line.includes('the server will forget it') && line.includes('"alarm":true')),
    ).toBe(true);
    isDown = false;
    const caughtUp = await one.pass();
    expect([caughtUp.failed, caughtUp.archived.length]).toEqual([[], late.failed.length]);
  });
});

describe('AUD-3 access at a moment in the past, from evidence alone, is what the target itself says', () => {
  test('at 500 random moments', async () => {
    const sink = new FolderSink(path.join(folder, 'archive'));
    const spans = [700, 1_500, 400, 2_500, 900, 1_200];
    const fromMs = Date.now();
    for (const [index, durationMs] of spans.entries()) {
      const request = await harness.cast.ask(
        index % 2 === 0 ? { ...READ, durationMs } : { ...WRITE, requester: 'ci/payments', durationMs },
      );
      if (index % 2 === 1) await harness.cast.say('person/mira', 'approve', request);
      if (index % 3 === 0) await harness.cast.over(request);
    }
    await sleep(4_500);
    const toMs = Date.now();
    await (await archivist(sink)).pass();
    const evidence: EvidenceFile[] = [];
    for (const name of await sink.list('evidence/'))
      if (name.endsWith('.json')) evidence.push(await evidenceAt(sink, name));
    const said = await targetLog();
    expect(said.length).toBeGreaterThan(6);
    let compared = 0;
    let alive = 0;
    for (let tries = 0; compared < 500 && tries < 20_000; tries += 1) {
      const atMs = fromMs + Math.random() * (toMs - fromMs);
      // Target and worker look at the clock some milliseconds apart; at the edges themselves neither is wrong.
      if (said.some((line) => Math.abs(line.atMs - atMs) < 400)) continue;
      compared += 1;
      for (const [account, role] of [
        ['atlas_agent', 'reporting_read'],
        ['payments_ci', 'production_write'],
      ] as const) {
        const ours = evidence.some((one) => accountOf(one) === account && aliveAt(one, atMs));
        if (ours) alive += 1;
        expect([atMs, account, ours]).toEqual([atMs, account, heldAt(said, account, role, atMs)]);
      }
    }
    expect(compared).toBe(500);
    expect(alive).toBeGreaterThan(50);
  }, 90_000);
});

const accountOf = ({ steps }: EvidenceFile): string | undefined =>
  steps.flatMap(({ command }) => (command.type === 'record_grant' ? [command.lease.account] : []))[0];

interface Line {
  readonly atMs: number;
  readonly given: boolean;
  readonly role: string;
  readonly account: string;
}

/** What PostgreSQL's own log says of memberships given and taken. */
async function targetLog(): Promise<readonly Line[]> {
  const [row] = await harness.postgres.query('SHOW data_directory');
  const file = path.join(String(row?.['data_directory']), '..', 'log');
  expect(readdirSync(path.dirname(file))).toContain('log');
  const pattern = /^(\d+\.\d+) .*(GRANT|REVOKE) "(\w+)" (?:TO|FROM) "(\w+)"/;
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, at, verb, role = '', account = ''] = pattern.exec(line) ?? [];
      return at === undefined ? [] : [{ atMs: Number(at) * 1_000, given: verb === 'GRANT', role, account }];
    });
}

function heldAt(lines: readonly Line[], account: string, role: string, atMs: number): boolean {
  const last = lines.findLast((line) => line.account === account && line.role === role && line.atMs <= atMs);
  return last?.given === true;
}
