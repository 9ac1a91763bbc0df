import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const profileSchema = z.object({
  nodes: z.array(
    z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string() }) }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** Shares of one thread's busy time, largest first. */
export interface ThreadShares {
  readonly thread: 'workflows' | 'main';
  readonly busyMs: number;
  readonly shares: readonly { readonly what: string; readonly share: number }[];
}

/** Reads all CPU profiles of a folder: one for each thread of the worker. */
export function profileShares(folder: string): readonly ThreadShares[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => sharesOf(readFileSync(path.join(folder, name), 'utf8')))
    .filter(({ busyMs }) => busyMs > 0)
    .sort((a, b) => b.busyMs - a.busyMs);
}

function sharesOf(text: string): ThreadShares {
  const { nodes, samples, timeDeltas } = profileSchema.parse(JSON.parse(text));
  const whats = new Map(nodes.map(({ id, callFrame }) => [id, whatIs(callFrame)]));
  const byWhat = new Map<string, number>();
  samples.forEach((id, index) => {
    const what = whats.get(id);
    if (what !== undefined) byWhat.set(what, (byWhat.get(what) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const busyUs = [...byWhat.values()].reduce((sum, one) => sum + one, 0);
  return {
    thread: byWhat.has('workflow code') ? 'workflows' : 'main',
    busyMs: busyUs / 1_000,
    shares: [...byWhat].map(([what, us]) => ({ what, share: us / busyUs })).sort((a, b) => b.share - a.share),
  };
}

/** Groups functions by where they are from. Returns undefined for idle time. */
function whatIs({ functionName, url }: { readonly functionName: string; readonly url: string }) {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === 'runInContext' && url.startsWith('node:')) return 'entering the sandbox';
  if (url.includes('workflow-bundle')) return 'workflow code';
  if (url.startsWith('wasm:')) return 'WebAssembly (Cedar, source maps)';
  const [, library] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (library !== undefined) return library;
  const [, ours] = /\/dist\/(src\/[^/]+|bench)\b/.exec(url) ?? [];
  if (ours !== undefined) return ours;
  if (url.startsWith('node:')) return `node: ${functionName || '(anonymous)'}`;
  return functionName || '(native)';
}
