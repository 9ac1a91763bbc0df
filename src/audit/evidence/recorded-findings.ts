import { z } from 'zod';
import { instantMs } from '../../contracts/request';

const name = z.string().max(256);

/** The most findings that evidence holds; the newest are kept. */
const MOST_FINDINGS = 64;

/**
 * Something that was found on the target about a request's lease, or about what came after the lease ended. The
 * target keeps it and evidence repeats it: only the seal covers it, nothing else proves it.
 */
const findingSchema = z.strictObject({
  kind: z.enum(['overdue', 'drift', 'missing', 'left-behind', 'renamed', 'also-ended']),
  leaseId: name.exactOptional(),
  account: name,
  grant: name,
  lateMs: z.number().exactOptional(),
  what: z.string().max(1_000).exactOptional(),
  firstAtMs: instantMs,
  lastAtMs: instantMs,
  times: z.number().int().positive(),
});
export type RecordedFinding = z.infer<typeof findingSchema>;

export const findingsSchema = z.array(findingSchema).max(MOST_FINDINGS);

/** Reads the findings that targets keep. */
export interface FindingSource {
  /**
   * Returns the newest first; empty if the target keeps none.
   *
   * @throws if the target cannot be reached
   */
  findings(connector: string, requestId: string): Promise<readonly RecordedFinding[]>;
}

/** Returns the findings about a request, and a note for each target that could not be read. */
export async function findingsAbout(
  connector: string | undefined,
  requestId: string,
  source: FindingSource | undefined,
): Promise<{ readonly findings: readonly RecordedFinding[]; readonly missing: readonly string[] }> {
  if (source === undefined || connector === undefined) return { findings: [], missing: [] };
  try {
    const findings = await source.findings(connector, requestId);
    return { findings: findings.slice(0, MOST_FINDINGS), missing: [] };
  } catch {
    return { findings: [], missing: [`the findings on ${connector} could not be read`] };
  }
}

/** Describes a finding in one sentence. */
export function describeFinding({
  kind,
  account,
  grant,
  lateMs = 0,
  what = 'something',
  times,
  lastAtMs,
}: RecordedFinding): string {
  const seen = `seen ${times} ${times === 1 ? 'time' : 'times'}, last at ${new Date(lastAtMs).toISOString()}`;
  switch (kind) {
    case 'overdue':
      return `The reconciler found the lease of ${account} on ${grant} alive ${lateMs} ms past its end, and ended it (${seen}).`;
    case 'missing':
      return `The reconciler found that ${account} did not have ${grant}, though its lease was alive (${seen}).`;
    case 'drift':
      return `The reconciler found that ${account} had ${grant} without a lease, after this one (${seen}).`;
    case 'renamed':
      return `The reconciler found that what this lease gives is called ${account} and ${grant} on the target now (${seen}).`;
    case 'also-ended':
      return `The end of the access of ${account} to ${grant} also took away what others had given beside this lease: ${what}. Give it again if it was meant to stay (${seen}).`;
    case 'left-behind':
      return `Since ${account} was given ${grant} there is on the target: ${what}. Look at it, and remove it if nobody needs it (${seen}).`;
  }
}
