import type { Command } from 'commander';
import { workflowIdOf } from '../../contracts/names';
import { type Context, type Run, withClient } from '../context';
import { ID_HELP } from '../help';
import { type CommandResult, failed } from '../output';
import { checkRequestId, resolveRequestId } from '../request-id';
import { withReplayer } from './source';

/** `countersign audit replay` */
export function defineReplay(audit: Command, run: Run): void {
  audit
    .command('replay')
    .description("replay a request's history on this version of the code")
    .argument('<id>', ID_HELP)
    .action((id: string) => run((context) => replay(id, context)));
}

async function replay(typedId: string, context: Context): Promise<CommandResult> {
  checkRequestId(typedId);
  const { id, history } = await withClient(context, async (client) => {
    const requestId = await resolveRequestId(client, typedId);
    return { id: requestId, history: await client.history(requestId) };
  });
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
