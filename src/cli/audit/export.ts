import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { evidenceText } from '../../audit/evidence/file';
import { digestOfText } from '../../domain/digest';
import type { Context } from '../context';
import { done, failed, type Outcome, UserError } from '../output';
import type { Run } from './index';
import { fetchEvidence } from './source';

/** `countersign audit export` */
export function registerExport(audit: Command, run: Run): void {
  audit
    .command('export')
    .description('write the evidence of a request to a file that anyone can verify')
    .argument('<id>', 'request id')
    .requiredOption('-o, --output <file>', 'file to write; one that exists is left alone')
    .action((id: string, { output }: { output: string }) =>
      run((context) => exportEvidence(id, output, context)),
    );
}

async function exportEvidence(id: string, output: string, context: Context): Promise<Outcome> {
  const { evidence, missing } = await fetchEvidence(id, context);
  const text = evidenceText(evidence);
  try {
    await writeFile(output, text, { flag: 'wx', mode: 0o600 });
  } catch {
    throw new UserError(`cannot write ${output}; it is there already, or its folder is not`);
  }
  const { status, execution, head } = evidence;
  const digest = digestOfText(text);
  const data = { id, file: output, status, execution, head, digest, missing };
  const lines = [
    `${output}: evidence of ${id} (${status}), ${evidence.steps.length} steps, ${Buffer.byteLength(text)} bytes`,
    `${digest}`,
  ];
  if (missing.length === 0) return done(data, ...lines);
  const message = `${output} is written, and lacks what it rests on (${missing.length} times, first: ${missing[0]}); set COUNTERSIGN_BUNDLE, COUNTERSIGN_ARCHIVE or COUNTERSIGN_STATE_DIR to where that is, and export it again`;
  return failed({ code: 'NOT_SELF_CONTAINED', message }, data, ...lines);
}
