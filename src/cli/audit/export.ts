import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { evidenceText } from '../../audit/evidence/file';
import { digestOfText } from '../../domain/digest';
import type { Context, Run } from '../context';
import { ID_HELP } from '../help';
import { type CommandResult, done, failed, UserError } from '../output';
import { fetchEvidence } from './source';

/** `countersign audit export` */
export function defineExport(audit: Command, run: Run): void {
  audit
    .command('export')
    .description('write the evidence of a request to a file that anyone can verify')
    .argument('<id>', ID_HELP)
    .requiredOption('-o, --output <file>', 'file to write; it must not exist')
    .action((id: string, { output }: { output: string }) =>
      run((context) => exportEvidence(id, output, context)),
    );
}

async function exportEvidence(typedId: string, output: string, context: Context): Promise<CommandResult> {
  const { evidence, missing } = await fetchEvidence(typedId, context);
  const text = evidenceText(evidence);
  try {
    await writeFile(output, text, { flag: 'wx', mode: 0o600 });
  } catch {
    throw new UserError(`cannot write ${output}; it exists already, or its folder does not`);
  }
  const { request: id, status, execution, head } = evidence;
  const digest = digestOfText(text);
  const data = { id, file: output, status, execution, head, digest, missing };
  const lines = [
    `${output}: evidence of ${id} (${status}), ${evidence.steps.length} steps, ${Buffer.byteLength(text)} bytes`,
    `${digest}`,
  ];
  if (missing.length === 0) return done(data, ...lines);
  const message = `${output} was written, but is incomplete (${missing.length} missing, first: ${missing[0]}); set COUNTERSIGN_BUNDLE, COUNTERSIGN_ARCHIVE or COUNTERSIGN_STATE_DIR to where the versions are, and export it again`;
  return failed({ code: 'NOT_SELF_CONTAINED', message }, data, ...lines);
}
