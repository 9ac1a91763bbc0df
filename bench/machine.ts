import { readdirSync, readFileSync } from 'node:fs';

/** What processes used since they began: time on a core, and time in which a thread was ready and waited for one. */
export interface Use {
  readonly cpuMs: number;
  readonly waitedMs: number;
}

/** Returns the sum over all threads of one process, by the kernel's own account. Linux only; zero elsewhere. */
export function useOf(pid: number): Use {
  let cpuMs = 0;
  let waitedMs = 0;
  for (const thread of threadsOf(pid)) {
    const [cpuNs = '0', waitedNs = '0'] = read(`/proc/${pid}/task/${thread}/schedstat`).split(' ');
    cpuMs += Number(cpuNs) / 1e6;
    waitedMs += Number(waitedNs) / 1e6;
  }
  return { cpuMs, waitedMs };
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** A thread may end between being listed and being read. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
