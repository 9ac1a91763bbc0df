import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf } from './errors';

/** A process, told apart from a later one that happens to get the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the words of the operating system; empty where that cannot be found out. */
  readonly started: string;
}

/** The identity of a running process, or nothing when no such process runs. */
export function identify(pid: number): ProcessIdentity | undefined {
  return isAlive(pid) ? { pid, started: startOf(pid) } : undefined;
}

/** Whether the very process that was written down still runs. */
export function stillRuns(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Reads an identity from a file's JSON; anything else is nobody. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value))
    return undefined;
  const { pid, started } = value;
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof started === 'string'
    ? { pid, started }
    : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return stateOf(pid) !== 'Z';
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** A zombie still has its pid, but nobody is at home. */
const stateOf = (pid: number): string | undefined => procStat(pid)?.[0];

/** The fields of `/proc/<pid>/stat` from the state on: the name before them may hold spaces and brackets. */
function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

const START_TIME_FIELD = 19;

function startOf(pid: number): string {
  const ticks = procStat(pid)?.[START_TIME_FIELD];
  if (ticks !== undefined) return `${bootId()}/${ticks}`;
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
