import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { versionsWith } from '../../src/audit/archive/versions';
import { makeEvidence, type RunHistory, type VersionSource } from '../../src/audit/evidence/export';
import { parseEvidence } from '../../src/audit/evidence/file';
import { historyFromPlain, historyToPlain } from '../../src/audit/evidence/history';
import { historiesOf } from '../../src/audit/evidence/runs';
import type { EvidenceFile } from '../../src/audit/evidence/schema';
import type { HistoryReplay } from '../../src/audit/replay';
import type { Verification } from '../../src/audit/verify/verify';
import { readBundleFiles } from '../../src/policy/load/bundle-folder';
import type { Harness } from './harness';

/** Kept evidence of every kind of life, which later versions must still verify. */
export const KEPT_EVIDENCE = path.join(__dirname, '../replay/evidence');

/** Exports the evidence of a request of the harness, by the bundle that it uses now. */
export async function evidenceOf(
  harness: Harness,
  requestId: string,
  replayer: HistoryReplay,
  versions?: VersionSource,
): Promise<EvidenceFile> {
  const files = await readBundleFiles(harness.bundle.dir);
  if (!files.ok) throw new Error('the bundle cannot be read');
  const runs = (await historiesOf(harness.temporal, requestId)).map(anonymous);
  const made = await makeEvidence(requestId, runs, versions ?? versionsWith(files.value), replayer);
  if (!made.ok) throw new Error(made.message);
  if (made.missing.length > 0) throw new Error(made.missing.join('; '));
  return made.evidence;
}

/** Removes the name of the machine that recorded it; replay does not need it. */
function anonymous({ runId, history }: RunHistory): RunHistory {
  const text = JSON.stringify(historyToPlain(history)).replaceAll(/\d+@[\w.-]*/g, 'recorder');
  return { runId, history: historyFromPlain(JSON.parse(text)) };
}

export interface KeptEvidence {
  readonly name: string;
  readonly evidence: EvidenceFile;
  readonly text: string;
}

export function keptEvidence(): readonly KeptEvidence[] {
  const files = readdirSync(KEPT_EVIDENCE).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const read = parseEvidence(readFileSync(path.join(KEPT_EVIDENCE, file), 'utf8'), file);
    if (!read.ok) throw new Error(read.message);
    return { name: file.replace('.json', ''), evidence: read.evidence, text: read.text };
  });
}

/** Returns the findings of a verification, one line each. */
export function findingsIn({ results }: Verification): readonly string[] {
  return results.flatMap(({ findings }) =>
    findings.map(({ check, where, message }) => `${check} ${where}: ${message}`),
  );
}
