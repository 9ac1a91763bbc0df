import type { WorkerProgram } from './worker-program';
import { bundleVariant, variantWorker } from './workflow-code';

/**
 * Promises, and how each is broken to see that the suite notices. Connectors that do what they must not, and workflow
 * code that loses requests or goes another way than its history.
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

export const isBreakage = (name: string): name is Breakage => Object.hasOwn(BREAKAGES, name);

const VARIANTS: Partial<Record<Breakage, string>> = {
  'loses-requests': 'lossy',
  'diverges-from-history': 'divergent',
};

/** The worker that breaks that promise. */
export async function brokenWorker(breakage: Breakage, folder: string): Promise<WorkerProgram> {
  const variant = VARIANTS[breakage];
  if (variant === undefined) return variantWorker({ breakage });
  const { file } = await bundleVariant(variant, folder);
  return variantWorker({ codeFile: file });
}
