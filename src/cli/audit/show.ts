import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { describeEvidence } from '../../audit/report/describe-events';
import { firstUnsound } from '../../audit/verify/integrity';
import type { Context, Run } from '../context';
import { ID_HELP } from '../help';
import { type CommandResult, done, printable } from '../output';
import { firstUnproved } from './evidence-set';
import { evidenceIn, fetchEvidence } from './source';

/** `countersign audit show` */
export function defineShow(audit: Command, run: Run): void {
  audit
    .command('show')
    .description('show what happened to a request: times, people, reasons, digests')
    .argument('<id>', `${ID_HELP}; or a file of evidence`)
    .action((id: string) => run((context) => show(id, context)));
}

async function show(id: string, context: Context): Promise<CommandResult> {
  const { evidence } = existsSync(id) ? await evidenceIn(id) : await fetchEvidence(id, context);
  const unsound = firstUnsound(evidence);
  if (unsound !== undefined)
    context.announce(
      `countersign: ${id}: fails its checks, so do not trust it: ${unsound.check} at ${unsound.where}: ${unsound.message}`,
    );
  const unproved = unsound ?? (await firstUnproved(evidence, {}));
  if (unsound === undefined && unproved !== undefined)
    context.announce(
      printable(
        `countersign: ${id}: not proved: ${unproved.check} at ${unproved.where}: ${unproved.message}`,
      ),
    );
  const lines = describeEvidence(evidence).map(printable);
  const events = evidence.steps.flatMap((step) => step.events);
  const proved = unproved === undefined;
  return done({ request: evidence.request, status: evidence.status, proved, events, lines }, ...lines);
}
