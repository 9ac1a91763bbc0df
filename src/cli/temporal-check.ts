import type { Connection } from '@temporalio/client';
import { EVENT_LIMIT_SETTING, signalsWhileWorking } from '../stack/event-limit';
import { lackingSearchAttributes, sayLacking } from '../stack/search-attributes';
import type { Context } from './context';
import type { Finding } from './finding';
import { connectTemporal } from './temporal';

/** Looks at the Temporal server: whether it answers, has our search attributes, and lets signals wait while a workflow task is open. */
export async function checkTemporal({ sources }: Context, isOffline: boolean): Promise<readonly Finding[]> {
  const what = 'Temporal server';
  const from = sources.stack === undefined ? '' : ` (the stack that runs in ${sources.stack.stateDir})`;
  try {
    const { connection, namespace } = await connectTemporal(sources.stack, '3s');
    const place = `${connection.options.address}${from}, namespace ${namespace}`;
    try {
      const wrong = sayLacking(await lackingSearchAttributes(connection, namespace));
      if (wrong !== undefined) return [{ what, ok: false, detail: `${place}: ${wrong}` }];
      const detail = `${place}, search attributes registered`;
      return [{ what, ok: true, detail }, ...(isOffline ? [] : [await signals(connection, namespace)])];
    } catch (error) {
      return [{ what, ok: false, detail: `${place}: ${messageOf(error)}` }];
    } finally {
      await connection.close();
    }
  } catch (error) {
    return [{ what, ok: false, detail: messageOf(error) }];
  }
}

/** Where the limit cannot be raised, as on Temporal Cloud, this stays a warning: grants end all the same. */
async function signals(connection: Connection, namespace: string): Promise<Finding> {
  const what = 'signals during a workflow task';
  try {
    const { accepted, failedTask } = await signalsWhileWorking(connection, namespace);
    if (!failedTask) return { what, ok: true, detail: `the server keeps ${accepted} until the task is over` };
    const detail = `more than 100 end the task, so a flood can leave a history that does not replay; raise ${EVENT_LIMIT_SETTING} (docs/operate/operations.md, A Temporal server of your own)`;
    return { what, ok: true, isWarning: true, detail };
  } catch (error) {
    return { what, ok: true, isWarning: true, detail: `not tried: ${messageOf(error)}` };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
