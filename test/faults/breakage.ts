import type { WorkerProgram } from './worker-program';
import { bundleVariant, variantWorker } from './workflow-code';

/**
 * Promises, and the count that must notice when one is broken. A request whose id begins with a name here is dealt with
 * by a connector that does what it must not, or by workflow code that loses it or goes another way than its history.
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

/** How the promises to this request are broken, if they are. */
export const breakageOf = (requestId: string): Breakage | undefined =>
  NAMES.find((name) => requestId.startsWith(`${name}-`));

/** The worker that breaks promises. */
export async function brokenWorker(folder: string): Promise<WorkerProgram> {
  const { file } = await bundleVariant('broken', folder);
  return variantWorker({ codeFile: file, breaks: true });
}
