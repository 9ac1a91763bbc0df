import { execFileSync } from 'node:child_process';

const MOST_ANCESTORS = 16;

/** Returns the process id of the git command that started this process: the topmost git among its ancestors. */
export function gitAbove(pid: number = process.ppid): number | undefined {
  let found: number | undefined;
  for (
    let next: number | undefined = pid, steps = 0;
    next !== undefined && next > 1 && steps < MOST_ANCESTORS;
    steps += 1
  ) {
    const one = processOf(next);
    if (one === undefined) return found;
    // There may be a shell between git and its helper. What is above git is not git's.
    if (/^git/.test(one.name)) found = next;
    else if (found !== undefined) return found;
    next = one.parent;
  }
  return found;
}

function processOf(pid: number): { readonly parent: number; readonly name: string } | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command] = /^\s*(\d+)\s+(.+?)\s*$/.exec(said) ?? [];
    if (parent === undefined || command === undefined) return undefined;
    return { parent: Number(parent), name: command.replace(/^.*\//, '') };
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
