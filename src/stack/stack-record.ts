import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announce } from './announce';
import { signalGroup } from './child-process';
import { identify, type ProcessIdentity, parseIdentity, stillRuns } from './process-identity';

const STOPS_WITHIN_MS = 5_000;

/** The file that tells other commands what runs on a state folder and where, and the next start what a killed one left. */
export interface StackRecord {
  readonly addresses: Readonly<Record<string, string>>;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  /** Connectors whose target a command under `countersign run` can reach at the address of the embedded target. */
  readonly reachable: readonly string[];
  readonly pids: Readonly<Record<string, number>>;
}

/** Returns the file of the record of a state folder. */
export const fileOfRecord = (stateDir: string): string => path.join(stateDir, 'stack.json');

/** Replaces the record of a state folder. */
export function writeStackRecord(stateDir: string, { pids, ...record }: StackRecord): void {
  const processes = Object.fromEntries(
    Object.entries(pids).flatMap(([name, pid]) => {
      const identity = identify(pid);
      return identity ? [[name, identity]] : [];
    }),
  );
  const draft = `${fileOfRecord(stateDir)}.new`;
  writeFileSync(draft, `${JSON.stringify({ ...record, processes }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, fileOfRecord(stateDir));
}

/** Removes the record, as nothing runs on the folder any more. */
export const removeStackRecord = (stateDir: string): void => rmSync(fileOfRecord(stateDir), { force: true });

/**
 * Stops the processes that an earlier stack on this folder left running when it was killed. The caller must hold the lock of the
 * folder.
 */
export async function endLeftovers(stateDir: string, announce: Announce): Promise<void> {
  const left = readProcesses(stateDir).filter(([, identity]) => stillRuns(identity));
  for (const [name, { pid }] of left) {
    announce(`stopping ${name} (process ${pid}), which an earlier run left behind`);
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
    record = JSON.parse(readFileSync(fileOfRecord(stateDir), 'utf8'));
  } catch {
    return [];
  }
  if (typeof record !== 'object' || record === null || !('processes' in record)) return [];
  return Object.entries(record.processes ?? {}).flatMap(([name, value]) => {
    const identity = parseIdentity(value);
    return identity ? [[name, identity] as const] : [];
  });
}
