import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announce } from './announce';
import { signalGroup } from './child-process';
import { identify, type ProcessIdentity, parseIdentity, stillRuns } from './process-identity';

const STOPS_WITHIN_MS = 5_000;

/** What runs on a state folder, and where: for other commands, and for the next start where this one is killed. */
export interface StackRecord {
  readonly addresses: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
}

const fileIn = (stateDir: string): string => path.join(stateDir, 'stack.json');

export function writeStackRecord(stateDir: string, { addresses, pids }: StackRecord): void {
  const processes = Object.fromEntries(
    Object.entries(pids).flatMap(([name, pid]) => {
      const identity = identify(pid);
      return identity ? [[name, identity]] : [];
    }),
  );
  const draft = `${fileIn(stateDir)}.new`;
  writeFileSync(draft, `${JSON.stringify({ addresses, processes }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, fileIn(stateDir));
}

export const removeStackRecord = (stateDir: string): void => rmSync(fileIn(stateDir), { force: true });

/**
 * Ends what an earlier stack on this folder left running when it was killed. Only for the holder of the folder's lock.
 */
export async function endLeftovers(stateDir: string, announce: Announce): Promise<void> {
  const left = readProcesses(stateDir).filter(([, identity]) => stillRuns(identity));
  for (const [name, { pid }] of left) {
    announce(`ending ${name} (process ${pid}), which an earlier run left behind`);
    signalGroup(pid, 'SIGTERM');
  }
  const until = Date.now() + STOPS_WITHIN_MS;
  while (left.some(([, identity]) => stillRuns(identity)) && Date.now() < until) await sleep(50);
  for (const [, identity] of left) if (stillRuns(identity)) signalGroup(identity.pid, 'SIGKILL');
  removeStackRecord(stateDir);
}

function readProcesses(stateDir: string): readonly (readonly [string, ProcessIdentity])[] {
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(fileIn(stateDir), 'utf8'));
  } catch {
    return [];
  }
  if (typeof record !== 'object' || record === null || !('processes' in record)) return [];
  return Object.entries(record.processes ?? {}).flatMap(([name, value]) => {
    const identity = parseIdentity(value);
    return identity ? [[name, identity] as const] : [];
  });
}
