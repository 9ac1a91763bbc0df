import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { enterIntoLog } from '../../src/audit/log/enter';
import { LogHeads } from '../../src/audit/log/heads';
import { leafHash } from '../../src/audit/log/merkle';
import { generateNoteKey, readNoteSigner, readNoteVerifier } from '../../src/audit/log/note';
import { LogReader } from '../../src/audit/log/reader';
import { LogWriter } from '../../src/audit/log/writer';
import { eventuallyTrue } from '../support/harness-wait';
import { startPostgres, type TestPostgres } from '../support/postgres';

const WRITER = path.resolve(__dirname, '../support/log-writer.cjs');

let postgres: TestPostgres;
let heads: LogHeads;
let others: LogHeads;
beforeAll(async () => {
  postgres = await startPostgres();
  heads = new LogHeads({ url: postgres.url, maxConnections: 2 });
  others = new LogHeads({ url: postgres.url, maxConnections: 2 });
}, 60_000);
afterAll(async () => {
  await Promise.all([heads?.close(), others?.close()]);
  postgres?.stop();
});

/** A log of its own for one test. */
function newLog() {
  const dir = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
  folders.push(dir);
  const keys = generateNoteKey(`example.com/${path.basename(dir)}`);
  const [signer, verifier] = [readNoteSigner(keys.signerKey), readNoteVerifier(keys.verifierKey)];
  if (signer === undefined || verifier === undefined) throw new Error('no key');
  const read = () => {
    const opened = LogReader.open(dir, verifier);
    if (!opened.ok) throw new Error(opened.message);
    return opened.log;
  };
  return {
    dir,
    keys,
    signer,
    read,
    enter: (text: string, by = heads) => enterIntoLog({ dir, signer, heads: by }, Buffer.from(text)),
    /** Every leaf in its order, after a check of the whole log. */
    leaves: () => {
      const log = read();
      expect(log.check()).toBeUndefined();
      return Array.from({ length: log.checkpoint.size }, (_, index) => String(log.record(index)));
    },
    /** What happens when the holder does not come back in time. */
    runOut: () => postgres.query("UPDATE countersign.log_head SET held_until = now() - interval '1 second'"),
  };
}
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

class Died extends Error {}

describe('AUD-4 one process at a time writes to a log', () => {
  test('two processes share a folder; each is killed now and then, and the other goes on: no leaf is lost or doubled', async () => {
    const log = newLog();
    const last = new Map([
      ['a', -1],
      ['b', -1],
    ]);
    const running: ChildProcess[] = [];
    const start = (name: string): ChildProcess => {
      const from = (last.get(name) ?? -1) + 1;
      const child = spawn(
        process.execPath,
        [WRITER, log.dir, log.keys.signerKey, postgres.url, name, String(from), '80'],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      child.stdout?.on('data', (chunk) => {
        for (const line of String(chunk).trim().split('\n'))
          last.set(name, Math.max(last.get(name) ?? -1, Number(line)));
      });
      running.push(child);
      return child;
    };
    const reaches = (name: string, number: number) =>
      eventuallyTrue(`${name} is at ${number}`, async () => (last.get(name) ?? -1) >= number, 120_000);
    try {
      const children = new Map(['a', 'b'].map((name) => [name, start(name)]));
      for (const [victim, other, at] of [
        ['a', 'b', 10],
        ['b', 'a', 20],
        ['a', 'b', 35],
        ['b', 'a', 50],
        ['a', 'b', 65],
      ] as const) {
        await reaches(victim, at);
        const child = children.get(victim);
        child?.kill('SIGKILL');
        if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
        // The other takes over, unless it has done all of its own already.
        await reaches(other, Math.min(79, (last.get(other) ?? 0) + 3));
        children.set(victim, start(victim));
      }
      await Promise.all([reaches('a', 79), reaches('b', 79)]);
    } finally {
      for (const child of running) child.kill('SIGKILL');
    }
    const wanted = ['a', 'b'].flatMap((name) =>
      Array.from({ length: 80 }, (_, number) => `${name} ${number}`),
    );
    expect(log.leaves().sort()).toEqual(wanted.sort());
  }, 300_000);

  test('a process that lost the log can append nothing', async () => {
    const log = newLog();
    await log.enter('first');
    const late = heads.withTurn(log.signer.verifierKey, async (turn) => {
      await log.runOut();
      await log.enter('of another', others);
      await turn.decide(Buffer.from('too late'));
      LogWriter.open(log.dir, log.signer).append([Buffer.from('too late')]);
    });
    await expect(late).rejects.toMatchObject({ name: 'LostLog' });
    expect(log.leaves()).toEqual(['first', 'of another']);
  });

  test('nobody decides a second record before the first one is written', async () => {
    const log = newLog();
    const both = heads.withTurn(log.signer.verifierKey, async (turn) => {
      await turn.decide(Buffer.from('one'));
      await turn.decide(Buffer.from('two'));
    });
    await expect(both).rejects.toMatchObject({ name: 'LostLog' });
    await log.enter('three');
    expect(log.leaves()).toEqual(['one', 'three']);
  });

  test.each([
    ['after it was decided and before it is written', false],
    ['after it is written and before the database knows', true],
  ])('a leaf whose writer dies %s is there once', async (_when, isWritten) => {
    const log = newLog();
    await log.enter('first');
    const dies = heads.withTurn(log.signer.verifierKey, async (turn) => {
      await turn.decide(Buffer.from('second'));
      if (isWritten) LogWriter.open(log.dir, log.signer).append([Buffer.from('second')]);
      throw new Died();
    });
    await expect(dies).rejects.toThrow(Died);
    await log.enter('third', others);
    await log.enter('second', others);
    expect(log.leaves()).toEqual(['first', 'second', 'third']);
  });

  test('a process that was paused before it wrote, and goes on later, changes nothing that others wrote since', async () => {
    const log = newLog();
    const before = Array.from({ length: 250 }, (_, number) => Buffer.from(`early ${number}`));
    LogWriter.open(log.dir, log.signer).append(before);
    const kept: string[] = [];
    const paused = heads.withTurn(log.signer.verifierKey, async (turn) => {
      const writer = LogWriter.open(log.dir, log.signer);
      await turn.decide(Buffer.from('decided'));
      await log.runOut();
      // Past the width of a tile, whose parts are dropped.
      for (let number = 0; number < 20; number += 1) await log.enter(`record ${number}`, others);
      kept.push(...log.leaves());
      writer.append([Buffer.from('decided')]);
      await turn.publish(writer.note ?? '');
    });
    await expect(paused).rejects.toMatchObject({ name: 'LostLog' });
    // It has put an earlier checkpoint into the folder, which the next writer knows from the database.
    expect(log.read().checkpoint.size).toBe(251);
    await log.enter('record 3', others);
    expect(log.leaves()).toEqual(kept);
    await log.enter('last', others);
    expect(log.leaves()).toEqual([...kept, 'last']);
  }, 120_000);
});

describe('SHP-3 a log that was restored never contradicts what it has proved', () => {
  test('a folder of an earlier moment is refused, and goes on when the right one is back', async () => {
    const log = newLog();
    for (const text of ['1', '2', '3']) await log.enter(text);
    const [copy, whole] = [`${log.dir}.copy`, `${log.dir}.whole`];
    folders.push(copy, whole);
    cpSync(log.dir, copy, { recursive: true });
    for (const text of ['4', '5']) await log.enter(text);
    cpSync(log.dir, whole, { recursive: true });
    rmSync(log.dir, { recursive: true });
    cpSync(copy, log.dir, { recursive: true });
    await expect(log.enter('other 4')).rejects.toThrow(/The log had 5 leaves: restore a copy/);
    expect(log.read().checkpoint.size).toBe(3);
    rmSync(log.dir, { recursive: true });
    cpSync(whole, log.dir, { recursive: true });
    await log.enter('6');
    expect(log.leaves()).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  test('a database of an earlier moment, or a new one, takes over what the folder has', async () => {
    const log = newLog();
    for (const text of ['1', '2']) await log.enter(text);
    const [row] = await postgres.query('SELECT * FROM countersign.log_head WHERE log = $1', [
      log.signer.verifierKey,
    ]);
    for (const text of ['3', '4']) await log.enter(text);
    await postgres.query('UPDATE countersign.log_head SET checkpoint = $2, next_record = $3 WHERE log = $1', [
      log.signer.verifierKey,
      row?.['checkpoint'],
      Buffer.from('3'),
    ]);
    await log.enter('5');
    await postgres.query('DELETE FROM countersign.log_head');
    await log.enter('6');
    expect(log.leaves()).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  test('a second folder with the same key is refused, for one key has one log', async () => {
    const log = newLog();
    for (const text of ['1', '2']) await log.enter(text);
    const other = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
    folders.push(other);
    const place = { dir: other, signer: log.signer, heads };
    await expect(enterIntoLog(place, Buffer.from('1'))).rejects.toThrow(/restore a copy of its folder/);
    // Also one that somebody has filled meanwhile.
    LogWriter.open(other, log.signer).append([Buffer.from('x'), Buffer.from('y'), Buffer.from('z')]);
    await expect(enterIntoLog(place, Buffer.from('1'))).rejects.toThrow(/are of different logs/);
    expect(leafHash(Buffer.from('1')).equals(leafHash(Buffer.from(log.leaves()[0] ?? '')))).toBe(true);
  });
});
