import { spawn } from 'node:child_process';
import type { Farewell } from './give-back';
import type { TokenSource } from './token-source';

/** What the keeper is told before anything is asked for. It gets no key: what it may say is signed already. */
export type KeeperOrders = {
  readonly id: string;
  readonly durationMs: number;
  /** Access is kept for as long as this process runs. */
  readonly whilePid?: number;
} & (
  | { readonly farewell: Farewell }
  /** It asks the issuer for tokens of its own. */
  | { readonly gateway: string; readonly source: TokenSource }
);

/** A process that gives access back when this one is gone without having done so: killed, crashed, out of memory. */
export interface Keeper {
  /** There is nothing left to give back. */
  dismiss(): void;
  /** It is to do now what this process could not. */
  takeOver(): void;
}

/**
 * Starts the keeper. It reads from a pipe that only this process holds, so that it notices the end of this process
 * whatever the reason, and it is in a session of its own, so that what ends the terminal does not end it.
 */
export function startKeeper(orders: KeeperOrders): Keeper {
  const child = spawn(process.execPath, [require.resolve('./keeper-process')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // A machine that can start no process will not start the command either.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(orders)}\n`);
  child.unref();
  return {
    dismiss: () => child.stdin.end('done\n'),
    takeOver: () => child.stdin.end(),
  };
}
