import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CallLog } from '../../../src/gate/call-log';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'call-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('GAT-1 AUD-2 the record of the calls', () => {
  test('is on the disk when it says so, in order, each line chained to the one before, for its owner alone', async () => {
    const log = await CallLog.open(dir, 'calls.jsonl');
    await Promise.all(Array.from({ length: 100 }, (_, call) => log.append({ event: 'decided', call })));
    const lines = readFileSync(log.path, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).call)).toEqual(
      Array.from({ length: 100 }, (_, call) => call),
    );
    lines.forEach((line, index) => {
      const before = lines[index - 1];
      const digest = before === undefined ? '' : createHash('sha256').update(before).digest('base64url');
      expect(JSON.parse(line).previous).toBe(digest);
    });
    expect(statSync(log.path).mode & 0o777).toBe(0o600);
    await log.close();
    // What the file has room for and does not use is gone.
    expect(readFileSync(log.path, 'utf8')).toBe(`${lines.join('\n')}\n`);
  });

  test('of a gate that is killed there is every line that it wrote, and empty lines', async () => {
    const log = await CallLog.open(dir, 'calls.jsonl');
    await log.append({ event: 'decided' });
    log.note({ event: 'ended' });
    const text = readFileSync(log.path, 'utf8');
    expect(text.trimEnd().split('\n')).toHaveLength(2);
    expect(text.slice(text.trimEnd().length)).toMatch(/^\n+$/);
    await log.close();
  });

  test('many lines, and long ones, are whole', async () => {
    const log = await CallLog.open(dir, 'calls.jsonl');
    for (let call = 0; call < 40; call += 1) log.note({ event: 'ended', call, why: 'x'.repeat(20_000) });
    await log.append({ event: 'decided', call: 40, why: 'x'.repeat(300_000) });
    await log.close();
    const lines = readFileSync(log.path, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).call)).toEqual(Array.from({ length: 41 }, (_, call) => call));
  });

  test('calls that come together share a sync; one that comes during it waits for the next', async () => {
    const log = await CallLog.open(dir, 'calls.jsonl');
    const told: string[] = [];
    const append = (name: string) => log.append({ event: 'decided' }).then(() => void told.push(name));
    const file = Reflect.get(log, 'file');
    const sync = file.datasync.bind(file);
    let late: Promise<void> | undefined;
    const syncs = jest.spyOn(file, 'datasync').mockImplementationOnce(async () => {
      expect(told).toEqual([]);
      late = append('late');
      await sync();
    });
    await Promise.all(Array.from({ length: 50 }, () => append('together')));
    await late;
    expect(told).toEqual([...Array.from({ length: 50 }, () => 'together'), 'late']);
    expect(syncs).toHaveBeenCalledTimes(2);
    await log.close();
  });

  test('a sync that fails refuses what waited for it, and everything after it', async () => {
    const log = await CallLog.open(dir, 'calls.jsonl');
    jest.spyOn(Reflect.get(log, 'file'), 'datasync').mockRejectedValueOnce(new Error('EIO'));
    await expect(log.append({ event: 'decided' })).rejects.toThrow('EIO');
    await expect(log.append({ event: 'decided' })).rejects.toThrow('EIO');
    await log.close();
  });

  test('a record that cannot be written is refused, and so is everything after it', async () => {
    // Every write to this file fails as on a disk without room.
    const log = await CallLog.open('/dev', 'full');
    await expect(log.append({ event: 'decided' })).rejects.toThrow(/ENOSPC|cannot be written/);
    await expect(log.append({ event: 'decided' })).rejects.toThrow(/ENOSPC|cannot be written/);
    await log.close();
  });
});
