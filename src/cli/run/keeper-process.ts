import { z } from 'zod';
import { requestId, signedEnvelopeSchema } from '../../contracts/request';

const ordersSchema = z.object({
  id: requestId,
  farewell: z.object({ withdraw: signedEnvelopeSchema, revoke: signedEnvelopeSchema }),
  durationMs: z.number(),
});

/** A look at a server that has been away costs little; a grant lives no longer than its lease in any case. */
const TRIES_FOR_MS = 3_600_000;

/** Waits for the end of its input. Unless the last word was `done`, it gives the access back. */
async function keep(): Promise<void> {
  let said = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) said += String(chunk);
  const [orders = '', word] = said.split('\n');
  if (word === 'done') return;
  const parsed = ordersSchema.safeParse(JSON.parse(orders));
  if (!parsed.success) return;
  const { id, farewell, durationMs } = parsed.data;
  // Loaded now, not at the start: most keepers are dismissed.
  const { createContext, withClient } = await import('../context.js');
  const { giveBack } = await import('./give-back.js');
  const context = createContext(process.env);
  const untilMs = Date.now() + Math.min(TRIES_FOR_MS, durationMs + 60_000);
  for (let gone = false; !gone && Date.now() < untilMs; )
    try {
      gone = await withClient(context, async (client) => {
        const back = await giveBack(client, id, farewell, untilMs - Date.now());
        return back.gone;
      });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
}

// It outlives the terminal and whoever started it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
void keep().catch(() => {
  process.exitCode = 1;
});
