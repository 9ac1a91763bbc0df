import { type CountersignClient, CountersignError } from '../client';
import type { RequestRow } from '../contracts/snapshot';
import { requestDigest } from '../domain/digest';
import type { KeyDirectory } from '../domain/ports';
import type { PrincipalId } from '../domain/principal';

/** Rows whose submission was verified, or not, are remembered. A row takes about 200 bytes. */
const MOST_KEPT = 50_000;
const KEPT_MS = 600_000;
/** How many histories are begun to be read at once. */
const AT_ONCE = 16;

/** What the first event of a request's history says of it: who signed which request, or why nobody did. */
export type Signed =
  | { readonly by: PrincipalId; readonly digest: string }
  | { readonly why: string; readonly isSilent?: true };

interface Kept {
  readonly key: string;
  readonly untilMs: number;
  readonly signed: Signed;
}

/**
 * Verifies the submission of what the server lists. The server has it in the history's first event, so this asks no worker: a
 * stranger's rows cost one short read each, and none that nobody signed comes any further.
 */
export class SignedRows {
  readonly #kept = new Map<string, Kept>();

  constructor(
    private readonly requests: Pick<CountersignClient, 'submissionOf'>,
    private readonly nowMs: () => number,
  ) {}

  /** @throws CountersignError `UNREACHABLE` if the server cannot be reached */
  async of({ id, runId }: Pick<RequestRow, 'id' | 'runId'>, directory: KeyDirectory): Promise<Signed> {
    const atMs = this.nowMs();
    const key = `${runId} ${directory.digest}`;
    const kept = this.#kept.get(id);
    if (kept?.key === key && atMs < kept.untilMs) return kept.signed;
    const signed = await this.#read(id, directory, atMs);
    if (!('isSilent' in signed)) this.#keep(id, { key, signed, untilMs: atMs + KEPT_MS });
    return signed;
  }

  /** Returns those of the listed rows that somebody signed, as many as can be read within the time, with who signed each. */
  async among(
    listed: AsyncGenerator<RequestRow>,
    directory: KeyDirectory,
    withinMs: number,
  ): Promise<readonly { readonly row: RequestRow; readonly by: PrincipalId }[]> {
    const untilMs = Date.now() + withinMs;
    const found: { readonly row: RequestRow; readonly by: PrincipalId }[] = [];
    const work = async () => {
      for (
        let next = await listed.next();
        next.done !== true && Date.now() < untilMs;
        next = await listed.next()
      ) {
        const row = next.value;
        const signed = await this.of(row, directory);
        if ('by' in signed) found.push({ row, by: signed.by });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }

  async #read(id: string, directory: KeyDirectory, atMs: number): Promise<Signed> {
    try {
      const submission = await this.requests.submissionOf(id);
      const { request } = submission;
      if (request.id !== id) return { why: `it is about another request, ${request.id}` };
      const recognised = await directory.authenticateSubmission(submission, atMs);
      return recognised.ok
        ? { by: recognised.value.principal, digest: requestDigest(request) }
        : { why: recognised.refusal.detail };
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === 'UNREACHABLE') throw error;
      return { why: error.message, ...(error.code === 'NOT_ANSWERING' && { isSilent: true }) };
    }
  }

  #keep(id: string, kept: Kept): void {
    this.#kept.delete(id);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(id, kept);
  }
}
