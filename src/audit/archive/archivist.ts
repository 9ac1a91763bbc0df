import type { Client } from '@temporalio/client';
import { type BookSource, makeEvidence } from '../evidence/export';
import { evidenceText, parseEvidenceBytes } from '../evidence/file';
import type { FoundSource } from '../evidence/found';
import { historyToPlain } from '../evidence/history';
import { historiesOf, type ListedRequest, listRequests, retentionMsOf } from '../evidence/runs';
import type { EvidenceFile } from '../evidence/schema';
import { enterIntoLog } from '../log/enter';
import { leafOf } from '../log/leaf';
import { type NoteSigner, readNoteVerifier } from '../log/note';
import type { HistoryReplay } from '../replay';
import { checkInclusion } from '../verify/inclusion';
import { judgeArchived } from './judge';
import type { ArchiveSink } from './sink';

export interface ArchivistOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly sink: ArchiveSink;
  readonly books: BookSource;
  readonly replayer: HistoryReplay;
  /** Where it is absent, evidence has nothing of what was found on targets. */
  readonly targets?: FoundSource;
  /** The transparency log in which every archived record becomes a leaf. */
  readonly log?: { readonly dir: string; readonly signer: NoteSigner };
  /** A request that has been open for this long is archived as it stands, and again after each such time. */
  readonly checkpointAfterMs: number;
  readonly nowMs?: () => number;
  readonly logger: {
    info(about: object, message: string): void;
    error(about: object, message: string): void;
  };
}

/** What one look of the archivist has come to. */
export interface ArchivePass {
  readonly archived: readonly string[];
  readonly checkpoints: readonly string[];
  /** Closed requests that could not be archived, with the reason. */
  readonly failed: readonly { readonly requestId: string; readonly reason: string }[];
  /** Those of them that the server will have forgotten before long. */
  readonly alarms: readonly string[];
}

/** The name under which the evidence of a closed request is archived. One run is one record, for ever. */
export const evidenceName = ({ requestId, runId }: { requestId: string; runId: string }): string =>
  `evidence/${requestId}/${runId}.json`;
export const proofName = (name: string): string => name.replace(/\.json$/, '.tlog-proof');

/**
 * The share of the server's retention after which a request that is not archived is an alarm, and after which evidence that
 * lacks something is written all the same.
 */
const ALARM_AFTER_SHARE = 0.25;

/**
 * Archives what has closed before the server forgets it, whichever way it closed: like the reconciler it looks for
 * itself, so that no workflow has to live to the end of its own evidence (AUD-4).
 */
export class Archivist {
  /** Archived in the life of this process; spares asking the archive again and again. */
  readonly #done = new Set<string>();
  readonly #nowMs: () => number;

  constructor(private readonly options: ArchivistOptions) {
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Looks once at everything that has closed or is open for long. Throws only where the server cannot be reached. */
  async pass(): Promise<ArchivePass> {
    const { client, namespace, logger, checkpointAfterMs } = this.options;
    const pass = {
      archived: [] as string[],
      checkpoints: [] as string[],
      failed: [] as ArchivePass['failed'][number][],
      alarms: [] as string[],
    };
    const retentionMs = await retentionMsOf(client, namespace);
    for await (const request of listRequests(client, 'closed')) {
      const { requestId, runId, closedAtMs = this.#nowMs() } = request;
      if (this.#done.has(runId)) continue;
      const forgottenAtMs = closedAtMs + retentionMs;
      const overdue = retentionMs > 0 && this.#nowMs() > closedAtMs + retentionMs * ALARM_AFTER_SHARE;
      const isLate = overdue || retentionMs <= 0;
      try {
        if (await this.#archive(request, evidenceName(request), isLate)) pass.archived.push(requestId);
        this.#done.add(runId);
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'unknown';
        pass.failed.push({ requestId, reason });
        if (overdue) pass.alarms.push(requestId);
        logger.error(
          { requestId, reason, forgottenAt: new Date(forgottenAtMs).toISOString(), alarm: overdue },
          overdue
            ? 'a closed request is still not archived, and the server will forget it'
            : 'a closed request could not be archived',
        );
      }
    }
    for await (const request of listRequests(client, 'open')) {
      const period = Math.floor((this.#nowMs() - request.startedAtMs) / checkpointAfterMs);
      if (period < 1) continue;
      const name = `checkpoint/${request.requestId}/${request.runId}-${period}.json`;
      if (this.#done.has(name)) continue;
      try {
        if (await this.#archive(request, name, true)) pass.checkpoints.push(request.requestId);
        this.#done.add(name);
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.error(
          { requestId: request.requestId, reason },
          'an open request could not be archived as it stands',
        );
      }
    }
    return pass;
  }

  /**
   * Yields whether it was written now. What is there already is entered into the log, where it is not yet.
   *
   * @param isLate whether evidence that lacks something is better than the danger of none
   */
  async #archive(request: ListedRequest, name: string, isLate: boolean): Promise<boolean> {
    const { sink, logger } = this.options;
    const there = await sink.get(name);
    if (there !== undefined) {
      await this.#accept(there, request, name);
      return false;
    }
    const { evidence, missing } = await this.#make(request);
    // What is written stays as it is for ever; what is missing now may be there at the next look.
    if (missing.length > 0 && !isLate) throw new Error(`it still lacks something: ${missing.join('; ')}`);
    if (missing.length > 0)
      logger.error({ requestId: request.requestId, missing }, 'the evidence lacks something');
    await sink.put(name, Buffer.from(evidenceText(evidence)));
    await this.#enter(evidence, name);
    logger.info({ requestId: request.requestId, status: evidence.status, name }, 'evidence archived');
    return true;
  }

  /**
   * Takes what is archived under a name for the evidence of its request: where the log holds it, because nobody else can
   * sign for that; else where it is what would be written now.
   */
  async #accept(there: Buffer, request: ListedRequest, name: string): Promise<void> {
    if (await this.#isLogged(there, request, name)) return;
    const { client, replayer, targets } = this.options;
    const { requestId, runId, closedAtMs } = request;
    const runs = await historiesOf(client, requestId, runId);
    const isClosed = closedAtMs !== undefined;
    const witnesses = { requestId, runs, isClosed, replayer, ...(targets && { targets }) };
    const judged = await judgeArchived(there, name, witnesses, () => this.#make(request));
    if (!judged.ok)
      throw new Error(`something else is archived in its place, and the archive keeps it: ${judged.message}`);
    await this.#enter(judged.evidence, name);
  }

  async #isLogged(there: Buffer, { requestId, runId }: ListedRequest, name: string): Promise<boolean> {
    const { log, sink } = this.options;
    const proof = log && (await sink.get(proofName(name)));
    const verifier = log && readNoteVerifier(log.signer.verifierKey);
    const read = parseEvidenceBytes(there, name);
    if (proof === undefined || verifier === undefined || !read.ok) return false;
    const { evidence } = read;
    if (evidence.request !== requestId || evidence.runs.at(-1)?.runId !== runId) return false;
    const [finding] = checkInclusion(evidence, { verifier, proof: proof.toString('utf8') });
    if (finding === undefined) return true;
    throw new Error(`${proofName(name)}: ${finding.message}`);
  }

  async #make({ requestId, runId }: ListedRequest) {
    const { client, books, replayer, sink, targets } = this.options;
    const runs = await historiesOf(client, requestId, runId);
    const made = await makeEvidence(requestId, runs, books, replayer, targets);
    if (made.ok) return made;
    // What cannot be told can still be kept: whoever mends the program can make evidence of it later.
    const raw = JSON.stringify(
      runs.map((run) => ({ runId: run.runId, history: historyToPlain(run.history) })),
    );
    await sink.put(`raw/${requestId}/${runId}.json`, Buffer.from(raw));
    throw new Error(`${made.message} (its history is kept as raw/${requestId}/${runId}.json)`);
  }

  /** Makes it a leaf of the log, once, and archives the proof beside it. */
  async #enter(evidence: EvidenceFile, name: string): Promise<void> {
    const { log, sink } = this.options;
    if (log === undefined || (await sink.has(proofName(name)))) return;
    const proof = await enterIntoLog(log.dir, log.signer, leafOf(evidence));
    await sink.put(proofName(name), Buffer.from(proof));
  }
}
