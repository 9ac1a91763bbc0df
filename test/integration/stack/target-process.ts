import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { startChild } from '../../../src/stack/child-process';
import { freePort } from '../../../src/stack/free-port';
import { targetUrl, waitForTarget } from '../../../src/stack/target-ready';
import { baseEnvironment } from '../../../src/stack/temporal-server';

const PROGRAM = path.resolve(__dirname, '../../../dist/src/stack/embedded-target-process.js');

/** The embedded target as `up` runs it: the built program. PGlite's dynamic imports do not work inside Jest. */
export interface TargetProcess {
  readonly port: number;
  urlFor(account: string): string;
  stop(): Promise<string>;
  kill(): Promise<string>;
}

export async function startTargetProcess(
  stateDir: string,
  accounts: readonly string[],
): Promise<TargetProcess> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing; run npm run build`);
  const port = await freePort();
  mkdirSync(stateDir, { recursive: true });
  const child = await startChild({
    name: 'target',
    command: process.execPath,
    args: [PROGRAM, stateDir, String(port), JSON.stringify({ accounts, roles: [] })],
    env: baseEnvironment(),
    logFile: path.join(stateDir, 'target.log'),
  });
  await waitForTarget(targetUrl(port), { timeoutMs: 45_000 });
  return {
    port,
    urlFor: (account) => targetUrl(port, account),
    stop: () => child.stop(10_000),
    kill: () => child.kill(),
  };
}
