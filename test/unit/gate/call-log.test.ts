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
  });

  test('a record that cannot be written is refused, and so is everything after it', async () => {
    // Every write to this file fails as on a disk without room.
    const log = await CallLog.open('/dev', 'full');
    await expect(log.append({ event: 'decided' })).rejects.toThrow(/ENOSPC|cannot be written/);
    await expect(log.append({ event: 'decided' })).rejects.toThrow(/ENOSPC|cannot be written/);
    await log.close();
  });
});
