import { readdirSync } from 'node:fs';
import path from 'node:path';
import { readEvidenceFile } from '../../../src/audit/evidence/file';
import { ReplayProcess } from '../../../src/audit/replay-process';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import type { Complaint } from '../check';

export interface VerifiedEvidence {
  readonly verified: number;
  /** How many pieces each version made. */
  readonly madeBy: Readonly<Record<string, number>>;
  readonly requests: ReadonlySet<string>;
  readonly complaints: readonly Complaint[];
}

/** Verifies every piece of evidence of an archive in a folder, by this version, with a replay of the histories in it. */
export async function verifyArchive(folder: string): Promise<VerifiedEvidence> {
  const replayer = new ReplayProcess();
  const complaints: Complaint[] = [];
  const madeBy: Record<string, number> = {};
  const requests = new Set<string>();
  let verified = 0;
  try {
    for (const file of evidenceIn(folder)) {
      const read = await readEvidenceFile(file);
      if (!read.ok) {
        complaints.push(`${path.basename(file)}: ${read.message}`);
        continue;
      }
      const { evidence, text } = read;
      const { ok, results } = await verifyEvidence(evidence, { text, replayer });
      requests.add(evidence.request);
      verified += 1;
      const version = evidence.software.countersign;
      madeBy[version] = (madeBy[version] ?? 0) + 1;
      const [first] = results.flatMap(({ findings }) => findings);
      if (!ok) complaints.push(`evidence of ${evidence.request}: ${first?.check}: ${first?.message}`);
    }
  } finally {
    await replayer.close();
  }
  return { verified, madeBy, requests, complaints };
}

const evidenceIn = (folder: string): readonly string[] =>
  readdirSync(path.join(folder, 'evidence'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.join(folder, 'evidence', name));
