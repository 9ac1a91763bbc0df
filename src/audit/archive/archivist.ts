import type { Client } from '@temporalio/client';
import type { Logger } from '../../contracts/logger';
import { makeEvidence, type VersionSource } from '../evidence/export';
import { evidenceText, parseEvidenceBytes } from '../evidence/file';
import { historyToPlain } from '../evidence/history';
import type { FindingSource } from '../evidence/recorded-findings';
import { historiesOf, type ListedRequest, listRequests, retentionMsOf } from '../evidence/runs';
import type { EvidenceFile } from '../evidence/schema';
import { enterIntoLog, type LogPlace } from '../log/enter';
import { readNoteVerifier } from '../log/note';
import type { HistoryReplay } from '../replay';
import { checkInclusion, leafOf } from '../verify/inclusion';
import { checkArchived } from './check-archived';
import type { ArchiveSink } from './sink';

export interface ArchivistOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly sink: ArchiveSink;
  readonly versions: VersionSource;
  readonly replayer: HistoryReplay;
  /** Without it, evidence has no findings of the reconciler. */
  readonly targets?: FindingSource;
  /** The transparency log in which every archived record becomes a leaf. */
  readonly log?: LogPlace;
  /** A request that has been open for this long is archived as it stands, and again after each such time. */
  readonly checkpointAfterMs: number;
  readonly nowMs?: () => number;
  readonly logger: Logger;
}

/** The result of one pass. */
export interface ArchivePass {
  readonly archived: readonly string[];
  readonly checkpoints: readonly string[];
  /** Closed requests that could not be archived, with the reason. */
  readonly failed: readonly { readonly requestId: string; readonly reason: string }[];
  /** Those of them that the server will soon delete. */
  readonly alarms: readonly string[];
}

/** The name under which the evidence of a closed request is archived. One run is one record, for ever. */
export const evidenceName = ({ requestId, runId }: { requestId: string; runId: string }): string =>
  `evidence/${requestId}/${runId}.json`;
export const proofName = (name: string): string => name.replace(/\.json$/, '.tlog-proof');

/**
 * The share of the server's retention after which an unarchived request raises an alarm, and after which incomplete evidence
 * is archived anyway.
 */
const ALARM_AFTER_SHARE = 0.25;

/**
 * Archives every closed request before the server deletes it. Like the reconciler it searches by itself, so that evidence
 * does not depend on a workflow running to its end (AUD-4).
 */
export class Archivist {
  /** Names that this process has archived, so that it does not ask the archive again. */
  readonly #done = new Set<string>();
  readonly #nowMs: () => number;

  constructor(private readonly options: ArchivistOptions) {
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /**
   * Archives every closed request, and requests that have been open for long.
   *
   * @throws only if the server cannot be reached
   */
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
   * Returns true if it was written now. An item that is there already is checked, and entered into the log if it is not in it.
   *
   * @param isLate true if it is so late that incomplete evidence is better than none
   */
  async #archive(request: ListedRequest, name: string, isLate: boolean): Promise<boolean> {
    const { sink, logger } = this.options;
    const there = await sink.get(name);
    if (there !== undefined) {
      await this.#accept(there, request, name);
      return false;
    }
    const { evidence, missing } = await this.#make(request);
    // An archived record never changes; what is missing now may be available at the next pass.
    if (missing.length > 0 && !isLate) throw new Error(`the evidence is incomplete: ${missing.join('; ')}`);
    if (missing.length > 0)
      logger.error({ requestId: request.requestId, missing }, 'incomplete evidence is archived');
    await sink.put(name, Buffer.from(evidenceText(evidence)));
    await this.#enter(evidence, name);
    logger.info({ requestId: request.requestId, status: evidence.status, name }, 'evidence archived');
    return true;
  }

  /**
   * Accepts an archived item as the evidence of its request. Either the log contains it, because nobody else can
   * sign for that, or it is what the archivist would write now.
   */
  async #accept(there: Buffer, request: ListedRequest, name: string): Promise<void> {
    if (await this.#isLogged(there, request, name)) return;
    const { client, replayer, targets } = this.options;
    const { requestId, runId, closedAtMs } = request;
    const runs = await historiesOf(client, requestId, runId);
    const isClosed = closedAtMs !== undefined;
    const sources = { requestId, runs, isClosed, replayer, ...(targets && { targets }) };
    const checked = await checkArchived(there, name, sources, () => this.#make(request));
    if (!checked.ok)
      throw new Error(
        `something else is archived under its name, and cannot be replaced: ${checked.message}`,
      );
    await this.#enter(checked.evidence, name);
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
    const { client, versions, replayer, sink, targets } = this.options;
    const runs = await historiesOf(client, requestId, runId);
    const made = await makeEvidence(requestId, runs, versions, replayer, targets);
    if (made.ok) return made;
    // Keep the raw history, so that a repaired program can make evidence of it later. The server does not keep the order of maps in it.
    const raw = JSON.stringify(
      runs.map((run) => ({ runId: run.runId, history: historyToPlain(run.history) })),
    );
    const name = `raw/${requestId}/${runId}.json`;
    if (!(await sink.has(name))) await sink.put(name, Buffer.from(raw));
    throw new Error(`${made.message} (its history is kept as ${name})`);
  }

  /** Appends the evidence to the log, once, and archives the inclusion proof beside it. */
  async #enter(evidence: EvidenceFile, name: string): Promise<void> {
    const { log, sink } = this.options;
    if (log === undefined || (await sink.has(proofName(name)))) return;
    const proof = await enterIntoLog(log, leafOf(evidence));
    await sink.put(proofName(name), Buffer.from(proof));
  }
}
