import { z } from 'zod';
import { instantMs } from '../../contracts/request';

const name = z.string().max(256);

/** Of more than these, the newest are in evidence. */
const MOST_FOUND = 64;

/**
 * Something that a look at the target found about a request's lease, or about its access once the lease was over. The
 * target keeps it, and evidence only repeats it: it is sealed with the rest, and nothing else proves it.
 */
const foundSchema = z.strictObject({
  kind: z.enum(['overdue', 'drift', 'missing']),
  leaseId: name.exactOptional(),
  account: name,
  grant: name,
  lateMs: z.number().exactOptional(),
  firstAtMs: instantMs,
  lastAtMs: instantMs,
  times: z.number().int().positive(),
});
export type Found = z.infer<typeof foundSchema>;

export const findingsSchema = z.array(foundSchema).max(MOST_FOUND);

/** Where targets keep what was found on them. */
export interface FoundSource {
  /** The newest first; nothing where the target keeps none. Throws where it cannot be asked. */
  found(connector: string, requestId: string): Promise<readonly Found[]>;
}

/** What was found on the target about a request, and what could not be asked. */
export async function foundAbout(
  connector: string | undefined,
  requestId: string,
  source: FoundSource | undefined,
): Promise<{ readonly findings: readonly Found[]; readonly missing: readonly string[] }> {
  if (source === undefined || connector === undefined) return { findings: [], missing: [] };
  try {
    const found = await source.found(connector, requestId);
    return { findings: found.slice(0, MOST_FOUND), missing: [] };
  } catch {
    return { findings: [], missing: [`what was found on ${connector} could not be read`] };
  }
}

/** What was found, in a sentence. */
export function tellFound({ kind, account, grant, lateMs = 0, times, lastAtMs }: Found): string {
  const seen = `seen ${times} ${times === 1 ? 'time' : 'times'}, last at ${new Date(lastAtMs).toISOString()}`;
  switch (kind) {
    case 'overdue':
      return `The reconciler found the lease of ${account} on ${grant} alive ${lateMs} ms past its end, and ended it (${seen}).`;
    case 'missing':
      return `The reconciler found that ${account} did not have ${grant}, though its lease was alive (${seen}).`;
    case 'drift':
      return `The reconciler found that ${account} had ${grant} without a lease, after this one (${seen}).`;
  }
}
