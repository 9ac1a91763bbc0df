import { z } from 'zod';
import { startEmbeddedTarget } from './embedded-target';
import { messageOf } from './errors';

const peopleSchema = z.strictObject({ accounts: z.array(z.string()), roles: z.array(z.string()) });

/**
 * The embedded target as a program of its own: `node embedded-target-process.js STATE_DIR PORT {accounts, roles}`. It can be
 * killed and restarted like a real database, and its work does not block the process that supervises it.
 */
async function main([stateDir, port, people]: readonly string[]): Promise<void> {
  if (stateDir === undefined || port === undefined || people === undefined)
    throw new Error('usage: STATE_DIR PORT {accounts, roles}');
  const { accounts, roles } = peopleSchema.parse(JSON.parse(people));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const target = await startEmbeddedTarget({ stateDir, port: Number(port), accounts, roles });
  process.stdout.write(`listening on ${target.url}\n`);
  await stopped;
  await target.stop();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`embedded target: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
