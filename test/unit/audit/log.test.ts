import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint } from '../../../src/audit/log/checkpoint';
import { includes, isConsistent, leafHash } from '../../../src/audit/log/merkle';
import { generateNoteKey, openNote, readNoteSigner, readNoteVerifier } from '../../../src/audit/log/note';
import { formatProof, parseProof } from '../../../src/audit/log/proof-file';
import { LogReader } from '../../../src/audit/log/reader';
import { tilePath } from '../../../src/audit/log/tiles';
import { LogWriter } from '../../../src/audit/log/writer';
import { askGo, tlogChecker } from '../../support/tlog-check';

const ORIGIN = 'example.com/countersign';
const keys = generateNoteKey(ORIGIN);
const signer = readNoteSigner(keys.signerKey) ?? fail('no signer');
const verifier = readNoteVerifier(keys.verifierKey) ?? fail('no verifier');
const record = (index: number) => Buffer.from(`record ${index}`);
const records = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => record(from + at));
const base64 = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('base64'));

function fail(message: string): never {
  throw new Error(message);
}

function opened(dir: string): LogReader {
  const read = LogReader.open(dir, verifier);
  return read.ok ? read.log : fail(read.message);
}

let dir: string;
function flip(file: string, at: number): void {
  const content = readFileSync(path.join(dir, file));
  content[at] = (content[at] ?? 0) ^ 1;
  writeFileSync(path.join(dir, file), content);
}
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

beforeAll(() => void tlogChecker(), 300_000);

describe("AUD-3 the log is one that Go's sumdb packages accept", () => {
  // Sizes about every edge of a tile and of a row of tiles.
  test.each([1, 2, 7, 255, 256, 257, 511, 512, 1_000, 65_536, 65_537, 70_000])('at %i leaves', (size) => {
    const writer = LogWriter.open(dir, signer);
    writer.append(records(0, size));
    const log = opened(dir);
    const indices = [...new Set([0, 1, 2, 254, 255, 256, Math.floor(size / 2), size - 1])].filter(
      (index) => index < size,
    );
    const sizes = [...new Set([1, 2, 3, 255, 256, 257, Math.ceil(size / 2), size - 1])].filter(
      (older) => older > 0 && older < size,
    );
    const go = askGo({
      Dir: dir,
      VerifierKey: keys.verifierKey,
      Inclusions: indices.map((Index) => ({
        Index,
        Record: record(Index).toString(),
        Proof: base64(log.prove(Index).hashes),
      })),
      Prove: indices,
      ProveSince: sizes,
    });
    expect(go).toMatchObject({ Size: size, Root: log.checkpoint.root.toString('base64') });
    expect(go.Inclusions).toEqual(indices.map(() => 'holds'));
    expect(go.Proofs).toEqual(indices.map((index) => base64(log.prove(index).hashes)));
    expect(go.SinceProofs).toEqual(sizes.map((older) => base64(log.proveConsistency(older))));
    const { root } = log.checkpoint;
    for (const [at, older] of sizes.entries()) {
      const oldRoot = Buffer.from(go.SinceRoots[at] ?? '', 'base64');
      const proof = (go.SinceProofs[at] ?? []).map((hash) => Buffer.from(hash, 'base64'));
      expect(isConsistent(older, oldRoot, size, root, proof)).toBe(true);
      expect(isConsistent(older, leafHash(record(1)), size, root, proof)).toBe(false);
    }
    for (const [at, index] of indices.entries()) {
      const proof = (go.Proofs[at] ?? []).map((hash) => Buffer.from(hash, 'base64'));
      expect(includes(leafHash(record(index)), index, size, proof, root)).toBe(true);
      expect(includes(leafHash(record(index + 1)), index, size, proof, root)).toBe(false);
      if (size > 1)
        expect(includes(leafHash(record(index)), (index + 1) % size, size, proof, root)).toBe(false);
    }
    if (size !== 70_000) return;
    // Two levels of tiles, each looked at.
    expect(log.check()).toBeUndefined();
    flip('tile/1/000', 100);
    expect(opened(dir).check()).toBe('tile 0/3 does not lead to the hash above it');
  });

  test('Go refuses what does not hold', () => {
    LogWriter.open(dir, signer).append(records(0, 300));
    const proof = base64(opened(dir).prove(5).hashes);
    const [go] = askGo({
      Dir: dir,
      VerifierKey: keys.verifierKey,
      Inclusions: [{ Index: 5, Record: 'another record', Proof: proof }],
    }).Inclusions;
    expect(go).not.toBe('holds');
  });

  test('a note that Go has signed is opened, and no other text of it', () => {
    LogWriter.open(dir, signer).append(records(0, 1));
    const { Note, NoteKey } = askGo({ Dir: dir, VerifierKey: keys.verifierKey });
    const theirs = readNoteVerifier(NoteKey) ?? fail('no verifier');
    expect(openNote(Note, theirs)).toMatchObject({ ok: true });
    expect(openNote(Note.replace('\n0\n', '\n1\n'), theirs)).toMatchObject({ ok: false });
    expect(openNote(Note, verifier)).toMatchObject({ ok: false });
  });
});

describe('a log grows and keeps what it was', () => {
  test('written in one go or in many, by one process or by several, it is the same log', () => {
    const other = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
    try {
      LogWriter.open(other, signer).append(records(0, 900));
      for (let at = 0; at < 900; at += 37)
        LogWriter.open(dir, signer).append(records(at, Math.min(900, at + 37)));
      expect(opened(dir).checkpoint).toEqual(opened(other).checkpoint);
      const [mine, theirs] = [dir, other].map((one) =>
        readFileSync(path.join(one, tilePath({ level: 0, index: 2, width: 256 }))),
      );
      expect(mine).toEqual(theirs);
      expect(opened(dir).record(700)).toEqual(record(700));
      expect([
        opened(dir).find(record(0)),
        opened(dir).find(record(899)),
        opened(dir).find(record(900)),
      ]).toEqual([0, 899, undefined]);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  test("whoever keeps yesterday's checkpoint sees that nothing was rewritten, and sees it where it was", () => {
    LogWriter.open(dir, signer).append(records(0, 600));
    const yesterday = opened(dir).checkpoint;
    LogWriter.open(dir, signer).append(records(600, 1_500));
    const today = opened(dir);
    const holds = (log: LogReader) =>
      isConsistent(
        yesterday.size,
        yesterday.root,
        log.checkpoint.size,
        log.checkpoint.root,
        log.proveConsistency(yesterday.size),
      );
    expect(holds(today)).toBe(true);
    const rewritten = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
    try {
      const others = records(0, 1_500).map((one, index) => (index === 300 ? Buffer.from('rewritten') : one));
      LogWriter.open(rewritten, signer).append(others);
      expect(holds(opened(rewritten))).toBe(false);
    } finally {
      rmSync(rewritten, { recursive: true, force: true });
    }
  });

  test('a crash before the checkpoint leaves the log as it was, and it goes on from there', () => {
    LogWriter.open(dir, signer).append(records(0, 250));
    const checkpoint = readFileSync(path.join(dir, 'checkpoint'));
    LogWriter.open(dir, signer).append(records(250, 300));
    writeFileSync(path.join(dir, 'checkpoint'), checkpoint);
    expect(opened(dir).checkpoint.size).toBe(250);
    expect(opened(dir).find(record(249))).toBe(249);
    LogWriter.open(dir, signer).append(records(250, 260));
    expect(opened(dir).checkpoint.size).toBe(260);
    expect(opened(dir).record(255)).toEqual(record(255));
  });

  test('a changed tile, a changed checkpoint and the key of another are found', () => {
    LogWriter.open(dir, signer).append(records(0, 300));
    const tampered = (file: string, change: (content: Buffer) => Buffer) => {
      const copy = mkdtempSync(path.join(tmpdir(), 'countersign-log-'));
      cpSync(dir, copy, { recursive: true });
      writeFileSync(path.join(copy, file), change(readFileSync(path.join(copy, file))));
      const result = LogReader.open(copy, verifier).ok;
      rmSync(copy, { recursive: true });
      return result;
    };
    expect(tampered('checkpoint', (content) => content)).toBe(true);
    const flipped = (content: Buffer) => {
      content[40] = (content[40] ?? 0) ^ 1;
      return content;
    };
    expect(tampered('tile/0/001.p/44', flipped)).toBe(false);
    expect(tampered('checkpoint', (text) => Buffer.from(text.toString().replace('\n300\n', '\n299\n')))).toBe(
      false,
    );
    const stranger = readNoteVerifier(generateNoteKey(ORIGIN).verifierKey) ?? fail('no verifier');
    expect(LogReader.open(dir, stranger).ok).toBe(false);
    expect(readdirSync(dir).sort()).toEqual(['checkpoint', 'tile']);
  });
});

describe('AUD-3 an inconsistent log is found, also away from the path to its root', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'a flipped byte of a full tile',
      () => flip('tile/0/000', 70),
      /tile 0\/0 does not lead to the hash above/,
    ],
    ['a record that is another', () => flip('tile/entries/000', 5), /leaf 0 is not the hash of its record/],
    ['a record that is cut off', () => flip('tile/entries/001.p/44', 1), /leaf 256 is not|is missing/],
    [
      'records that are gone',
      () => rmSync(path.join(dir, 'tile/entries'), { recursive: true }),
      /a tile is missing: .*tile\/entries/,
    ],
    [
      'a tile that is a pipe',
      () => {
        rmSync(path.join(dir, 'tile/entries/000'));
        spawnSync('mkfifo', [path.join(dir, 'tile/entries/000')]);
      },
      /a tile cannot be read/,
    ],
  ])('%s', (_, harm, message) => {
    LogWriter.open(dir, signer).append(records(0, 300));
    expect(opened(dir).check()).toBeUndefined();
    harm();
    // The way to the root is whole, and opening looks at that alone.
    expect(opened(dir).check()).toMatch(message);
  });

  test('a leaf that a tile has and the root has not is not found, but an alarm', () => {
    LogWriter.open(dir, signer).append(records(0, 300));
    const tile = readFileSync(path.join(dir, 'tile/0/000'));
    leafHash(Buffer.from('never logged')).copy(tile, 32 * 7);
    writeFileSync(path.join(dir, 'tile/0/000'), tile);
    expect(() => opened(dir).find(Buffer.from('never logged'))).toThrow(
      /of leaf 7 do not lead to the signed root/,
    );
    expect(opened(dir).find(record(299))).toBe(299);
  });

  test('everything that a checkpoint speaks of is on the disk before it, and what it replaces goes after it', () => {
    const fs = jest.requireActual<typeof import('node:fs')>('node:fs');
    const said: string[] = [];
    const names = new Map<number, string>();
    const drafts = new Map<string, string>();
    const relative = (file: unknown) => path.relative(dir, String(file)) || '.';
    const { openSync, fsyncSync, renameSync, rmSync: remove } = fs;
    const spies = [
      jest.spyOn(fs, 'openSync').mockImplementation((file, flags, mode) => {
        const handle = openSync(file, flags, mode);
        names.set(handle, relative(file));
        return handle;
      }),
      jest.spyOn(fs, 'fsyncSync').mockImplementation((handle) => {
        said.push(`sync ${names.get(handle)}`);
        fsyncSync(handle);
      }),
      jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
        said.push(`place ${relative(to)}`);
        drafts.set(relative(to), relative(from));
        renameSync(from, to);
      }),
      jest.spyOn(fs, 'rmSync').mockImplementation((file, options) => {
        said.push(`remove ${relative(file)}`);
        remove(file, options);
      }),
    ];
    try {
      const writer = LogWriter.open(dir, signer);
      writer.append(records(0, 250));
      said.length = 0;
      writer.append(records(250, 260));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    const end = said.indexOf('place checkpoint');
    const placed = said.slice(0, end).flatMap((line) => (line.startsWith('place ') ? [line.slice(6)] : []));
    expect(placed).toEqual(expect.arrayContaining(['tile/0/000', 'tile/entries/000', 'tile/1/000.p/1']));
    for (const file of placed) {
      const at = said.indexOf(`place ${file}`);
      expect(said.slice(0, at)).toContain(`sync ${drafts.get(file)}`);
      expect(said.slice(at, end)).toContain(`sync ${path.dirname(file)}`);
    }
    expect(said.slice(end)).toEqual([
      'place checkpoint',
      'sync .',
      'remove tile/0/000.p',
      'remove tile/entries/000.p',
    ]);
  });
});

describe('forms of the log', () => {
  test('tiles lie where c2sp.org/tlog-tiles says', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 273, width: 16 })).toBe('tile/entries/273.p/16');
  });

  test('a proof is read as it was written, and nothing else is', () => {
    LogWriter.open(dir, signer).append(records(0, 10));
    const proof = opened(dir).prove(3);
    const text = formatProof(proof);
    expect(parseProof(text)).toEqual(proof);
    expect(text.startsWith('c2sp.org/tlog-proof@v1\nindex 3\n')).toBe(true);
    for (const bad of [
      '',
      'x',
      text.slice(3),
      text.replace('index 3', 'index 03'),
      text.replace('index 3', 'index -1'),
    ])
      expect(parseProof(bad)).toBeUndefined();
    expect(openCheckpoint(proof.checkpoint, verifier)).toMatchObject({ ok: true });
  });

  test('a secret key appears in nothing that is public', () => {
    // Base64 may have a plus sign of its own, so what comes after the last one may be a single letter.
    expect(keys.verifierKey).not.toContain(keys.signerKey.split('+').slice(4).join('+'));
    expect(signer.verifierKey).toBe(keys.verifierKey);
    expect(readNoteSigner(keys.signerKey.replace(ORIGIN, 'example.com/other'))).toBeUndefined();
    expect(readNoteVerifier(keys.verifierKey.replace(ORIGIN, 'example.com/other'))).toBeUndefined();
  });
});
