import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { evidenceText } from '../../../src/audit/evidence/file';
import type { EvidenceFile } from '../../../src/audit/evidence/schema';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { findingsIn, keptEvidence } from '../../support/audit';
import { resealed } from '../../support/audit-reseal';
import { goTools } from '../support/go-tools';

/* What another implementation of RFC 8785 (Go, github.com/gowebpki/jcs v1.0.1) says of what is signed and kept. */

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-canonical-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Returns what Go says of each text: `canonical`, `other form` or `refused`. */
function judged(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const names = Object.entries(texts).map(([name, text]) => {
    const file = path.join(dir, name);
    writeFileSync(file, text);
    return file;
  });
  const program = goTools().jcsCheck;
  const answers = z
    .record(z.string(), z.string())
    .parse(JSON.parse(execFileSync(program, names, { encoding: 'utf8' })));
  return Object.fromEntries(Object.entries(answers).map(([file, said]) => [path.basename(file), said]));
}

describe('AUD-3 evidence is canonical JSON to others too', () => {
  it('every kept file is, byte by byte', () => {
    const kept = Object.fromEntries(keptEvidence().map(({ name, text }) => [name, text]));
    expect(Object.keys(kept).length).toBeGreaterThan(20);
    expect(new Set(Object.values(judged(kept)))).toEqual(new Set(['canonical']));
  });

  it('a file from before with half of a character is refused by Go, and told as not canonical here', async () => {
    const [first] = keptEvidence();
    if (first === undefined) throw new Error('no evidence is kept');
    const changed = resealed(withHalf(first.evidence));
    if (changed === undefined) throw new Error('it cannot be read any more');
    const text = evidenceText(changed);
    expect(judged({ before: first.text, after: text })).toEqual({ before: 'canonical', after: 'refused' });
    const findings = findingsIn(await verifyEvidence(changed, { text }));
    expect(findings).toContainEqual(
      expect.stringMatching(/^form steps.*reason: it is not canonical JSON: a text in it has half of a char/),
    );
    expect(findingsIn(await verifyEvidence(first.evidence, { text: first.text }))).toEqual([]);
  });
});

/** The reason of the request, in the command and in the event, ends with a lone surrogate. */
function withHalf(evidence: EvidenceFile): unknown {
  const reason = JSON.stringify(reasonOf(evidence));
  return JSON.parse(JSON.stringify(evidence).replaceAll(reason, `${reason.slice(0, -1)}\\ud83d"`));
}

function reasonOf({ steps }: EvidenceFile): string {
  for (const { command } of steps) if (command.type === 'submit') return command.submission.request.reason;
  throw new Error('nothing was submitted');
}
