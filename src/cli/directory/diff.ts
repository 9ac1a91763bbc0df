import type { Command } from 'commander';
import { SILENT_LOGGER } from '../../contracts/logger';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { type CommandResult, done, printable, UserError } from '../output';

/** `countersign directory diff` */
export function defineDiff(directory: Command, run: Run): void {
  const command = directory
    .command('diff')
    .description('show what changed between the last two versions of a source')
    .argument('<source>', 'its name in sources.yaml')
    .action((source: string) => run((context) => diff(source, context)));
  addExamples(command, ['directory diff office']);
}

async function diff(source: string, context: Context): Promise<CommandResult> {
  const { withOpened } = await import('./opened.js');
  const { differences } = await import('../../directory/sources/accept.js');
  return withOpened(context, SILENT_LOGGER, async ({ store, root }) => {
    const { sources, calendars } = (await root()).sources;
    if (!Object.hasOwn(sources, source) && !Object.hasOwn(calendars, source))
      throw new UserError(`sources.yaml has no source ${source}`, 1, 'NOT_FOUND');
    const [now, before] = await store.history(source);
    if (now === undefined)
      throw new UserError(`${source} was never read; run countersign directory sync`, 1, 'NOT_FOUND');
    const lines = differences(before?.snapshot, now.snapshot);
    const at = new Date(now.takenAtMs).toISOString();
    return done(
      { source, at, changes: lines },
      printable(`${source} at ${at}: ${lines.length} changes`),
      ...lines.map(printable),
    );
  });
}
