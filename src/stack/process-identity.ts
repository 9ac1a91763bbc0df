import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf } from './errors';

/** A process, distinguished from a later one that gets the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the operating system says it; empty if that is unknown. */
  readonly started: string;
}

/** Returns the identity of a running process, or undefined if it does not run. */
export function identify(pid: number): ProcessIdentity | undefined {
  return isAlive(pid) ? { pid, started: startOf(pid) } : undefined;
}

/** True if exactly this process still runs. */
export function stillRuns(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Parses an identity from JSON. Returns undefined if it is not one. */
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

/** A zombie still has its pid but no longer runs. */
const stateOf = (pid: number): string | undefined => procStat(pid)?.[0];

/** Returns the fields of `/proc/<pid>/stat` from the state on. The name before them may contain spaces and brackets. */
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
