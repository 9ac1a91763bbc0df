import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { storyOf } from '../../audit/report/story';
import { firstUnsound } from '../../audit/verify/soundness';
import type { Context } from '../context';
import { done, type Outcome, printable } from '../output';
import type { Run } from './index';
import { evidenceIn, fetchEvidence } from './source';

/** `countersign audit show` */
export function registerShow(audit: Command, run: Run): void {
  audit
    .command('show')
    .description('tell the story of a request: times, people, reasons, digests')
    .argument('<id>', 'request id, or a file of evidence')
    .action((id: string) => run((context) => show(id, context)));
}

async function show(id: string, context: Context): Promise<Outcome> {
  const { evidence } = existsSync(id) ? await evidenceIn(id) : await fetchEvidence(id, context);
  const unsound = firstUnsound(evidence);
  if (unsound !== undefined)
    context.announce(
      `countersign: ${id}: does not hold, do not believe it: ${unsound.check} at ${unsound.where}: ${unsound.message}`,
    );
  const lines = storyOf(evidence).map(printable);
  const events = evidence.steps.flatMap((step) => step.events);
  return done({ request: evidence.request, status: evidence.status, events, lines }, ...lines);
}
