import { spawn } from 'node:child_process';
import type { Farewell } from './give-back';
import type { TokenSource } from './token-source';

/** What the keeper gets before access is asked for. It gets no key, only statements that are already signed. */
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

/** A process that gives access back if this one ends without doing so: killed, crashed, or out of memory. */
export interface Keeper {
  /** Ends the keeper, because no access is left. */
  dismiss(): void;
  /** Lets the keeper give the access back, because this process could not. */
  takeOver(): void;
}

/**
 * Starts the keeper. It reads from a pipe that only this process holds, so it notices when this process ends, for whatever reason.
 * It has a session of its own, so that closing the terminal does not end it.
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
