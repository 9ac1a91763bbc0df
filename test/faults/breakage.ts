import type { WorkerProgram } from './worker-program';
import { bundleVariant, variantWorker } from './workflow-code';

/**
 * Promises, and the count that must rise when one is broken. A request whose id begins with one of these names is handled
 * by a connector that breaks the promise, or by workflow code that loses the request or diverges from its history.
 */
export const BREAKAGES = {
  'grants-refused': 'unauthorised_grants',
  'grants-aside': 'unauthorised_grants',
  'grants-twice': 'double_grants',
  'holds-open': 'late_grants',
  'puts-off-end': 'late_grants',
  'loses-requests': 'lost_requests',
  'diverges-from-history': 'unreplayable_histories',
} as const;
export type Breakage = keyof typeof BREAKAGES;

const NAMES = Object.keys(BREAKAGES) as readonly Breakage[];

export const isBreakage = (name: string): name is Breakage => Object.hasOwn(BREAKAGES, name);

/** Returns the promise that is broken for this request, or undefined. */
export const breakageOf = (requestId: string): Breakage | undefined =>
  NAMES.find((name) => requestId.startsWith(`${name}-`));

/** The worker that breaks promises. */
export async function brokenWorker(folder: string): Promise<WorkerProgram> {
  const { file } = await bundleVariant('broken', folder);
  return variantWorker({ codeFile: file, breaks: true });
}
