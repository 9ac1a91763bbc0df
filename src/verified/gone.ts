import { type CountersignClient, CountersignError } from '../client';
import type { WorkflowBreak } from '../contracts/snapshot';
import { requestDigest } from '../domain/digest';
import type { GrantEntry } from '../domain/precedents';

/** What happened to a workflow from outside. `replaced`: another request has its id now. */
type Gone = WorkflowBreak | 'deleted' | 'replaced';

/** A grant as the ledger has it. */
export interface GrantOnRecord extends Pick<GrantEntry, 'digest' | 'connector' | 'expiresAtMs'> {
  /** When its access ended. Absent while it goes on, or if nobody has told the ledger. */
  readonly overAtMs?: number;
}

/** What a target says of a lease. */
interface LeaseOnRecord {
  readonly connector: string;
  readonly account: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  readonly endedAtMs?: number;
  /** Whether the target has the access at this moment. */
  readonly present: boolean;
}

/** What ledger and targets still know of a request whose workflow is gone. */
export interface Remains {
  readonly workflow: Gone;
  readonly lease?: LeaseOnRecord;
  /** What the ledger has of it, where no target could be asked. */
  readonly grant?: Pick<GrantOnRecord, 'connector' | 'expiresAtMs' | 'overAtMs'>;
  /** Stores that could not be asked. */
  readonly notAsked: readonly string[];
}

/**
 * Returns what became of a request's workflow if it does not tell by itself: it was ended from outside, deleted, or replaced by
 * another one of the same id. Undefined if it runs or ended by itself, and is the one that the ledger knows.
 *
 * @param digest what the workflow says of itself; undefined if there is none
 * @param grants what the ledger has under this id
 */
export async function findGone<Grant extends GrantOnRecord>(
  id: string,
  digest: string | undefined,
  client: Pick<CountersignClient, 'breakOf' | 'submissionOf'>,
  grants: readonly Grant[],
): Promise<{ readonly workflow: Gone; readonly grant?: Grant } | undefined> {
  const broken = await client.breakOf(id).catch((error: unknown) => {
    if (error instanceof CountersignError && error.code === 'NOT_FOUND') return 'deleted' as const;
    throw error;
  });
  const own =
    digest ?? (broken === undefined && grants.length > 0 ? await submittedDigest(id, client) : undefined);
  const other = own === undefined ? undefined : grants.find((one) => one.digest !== own);
  const workflow = broken ?? (other === undefined ? undefined : 'replaced');
  if (workflow === undefined) return undefined;
  const grant = other ?? grants[0];
  return { workflow, ...(grant && { grant }) };
}

/** The digest of what was submitted under this id. What is no submission is not the request that the ledger knows. */
async function submittedDigest(
  id: string,
  client: Pick<CountersignClient, 'submissionOf'>,
): Promise<string | undefined> {
  try {
    return requestDigest((await client.submissionOf(id)).request);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'INVALID_REQUEST') return 'none';
    return undefined;
  }
}

/** Says in one sentence what became of the workflow and of its access. */
export const sayGone = ({ workflow, lease, grant }: Omit<Remains, 'notAsked'>, nowMs: number): string =>
  `${WHAT[workflow]}; ${lease === undefined ? sayGrant(grant, nowMs) : sayLease(lease, nowMs)}`;

const WHAT: Readonly<Record<Gone, string>> = {
  terminated: 'somebody terminated it',
  cancelled: 'somebody cancelled it from outside',
  failed: 'it failed',
  timed_out: 'it timed out',
  deleted: 'somebody deleted it, or the server has forgotten it',
  replaced: 'another request has its id now, and what is shown is that one',
};

function sayGrant(grant: Remains['grant'], nowMs: number): string {
  if (grant === undefined) return 'no access is on record';
  const { connector, expiresAtMs, overAtMs } = grant;
  if (overAtMs !== undefined) return `access ended at ${iso(overAtMs)}, says the ledger`;
  return `the ledger has a grant on ${connector} that ${expiresAtMs <= nowMs ? 'ended' : 'ends'} at ${iso(expiresAtMs)} at the latest; the target was not asked`;
}

function sayLease(
  { connector, account, endedAtMs, expiresAtMs, present }: LeaseOnRecord,
  nowMs: number,
): string {
  if (endedAtMs !== undefined) return `access of ${account} on ${connector} ended at ${iso(endedAtMs)}`;
  if (!present)
    return `${account} no longer has it on ${connector}, though its lease goes on to ${iso(expiresAtMs)}`;
  return expiresAtMs <= nowMs
    ? `${account} STILL HAS ACCESS on ${connector} past its end, ${iso(expiresAtMs)}; a worker's reconciler ends it`
    : `${account} has access on ${connector} until ${iso(expiresAtMs)}; a worker's reconciler ends it then`;
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
