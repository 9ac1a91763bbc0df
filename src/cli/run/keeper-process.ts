import { z } from 'zod';
import { requestId, signedEnvelopeSchema } from '../../contracts/request';
import { isAlive } from './git-process';
import { tokenSourceSchema } from './token-source';

const common = {
  id: requestId,
  durationMs: z.number(),
  whilePid: z.number().int().min(2).optional(),
};
const ordersSchema = z.union([
  z.object({
    ...common,
    farewell: z.object({ withdraw: signedEnvelopeSchema, revoke: signedEnvelopeSchema }),
  }),
  z.object({ ...common, gateway: z.url(), source: tokenSourceSchema }),
]);
type Orders = z.output<typeof ordersSchema>;

/** Retrying costs little, and the grant ends with its lease in any case. */
const TRIES_FOR_MS = 3_600_000;
const LOOK_EVERY_MS = 250;

/** Waits for the end of its input. Unless the last word was `done`, it gives the access back. */
async function keep(): Promise<void> {
  let said = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) said += String(chunk);
  const [orders = '', word] = said.split('\n');
  if (word === 'done') return;
  const parsed = ordersSchema.safeParse(JSON.parse(orders));
  if (!parsed.success) return;
  const { whilePid, durationMs } = parsed.data;
  const endsMs = Date.now() + durationMs;
  while (whilePid !== undefined && isAlive(whilePid) && Date.now() < endsMs)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const untilMs = Date.now() + Math.min(TRIES_FOR_MS, durationMs + 60_000);
  for (let gone = false; !gone && Date.now() < untilMs; )
    try {
      gone = await isGivenBack(parsed.data, untilMs - Date.now());
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
}

/** Loads what it needs only now, because most keepers are dismissed. */
async function isGivenBack(orders: Orders, withinMs: number): Promise<boolean> {
  if ('gateway' in orders) {
    const { byGateway } = await import('./gateway-backend.js');
    return (await (await byGateway(orders.gateway, orders.source)).giveBack(orders.id, withinMs)).gone;
  }
  const { createContext, withClient } = await import('../context.js');
  const { giveBack } = await import('./give-back.js');
  const { id, farewell } = orders;
  return withClient(await createContext(process.env), async (client) => {
    const back = await giveBack(client, id, farewell, withinMs);
    return back.gone;
  });
}

// The keeper outlives the terminal and the process that started it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
void keep().catch(() => {
  process.exitCode = 1;
});
