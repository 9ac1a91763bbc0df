import type { Command } from 'commander';
import { workflowIdOf } from '../../contracts/names';
import { type Context, withClient } from '../context';
import { failed, type Outcome } from '../output';
import type { Run } from './index';
import { withReplayer } from './source';

/** `countersign audit replay` */
export function registerReplay(audit: Command, run: Run): void {
  audit
    .command('replay')
    .description("run a request's history again on today's code")
    .argument('<id>', 'request id')
    .action((id: string) => run((context) => replay(id, context)));
}

async function replay(id: string, context: Context): Promise<Outcome> {
  const history = await withClient(context, (client) => client.history(id));
  const result = await withReplayer((replayer) => replayer.replay(history, workflowIdOf(id)));
  const events = history.events?.length ?? 0;
  if (result.ok)
    return {
      exitCode: 0,
      lines: [`${id}: ${events} events replayed, no difference`],
      data: { id, events, replayed: true },
    };
  const message = `${id}: the history does not replay on this code: ${result.message}`;
  return failed({ code: 'DIFFERS', message }, { id, events, replayed: false });
}
