import type { History } from '@temporalio/common/lib/proto-utils';
import { chainHash, chainStart, sealOf } from '../../src/audit/evidence/chain';
import { submittedIn } from '../../src/audit/evidence/export';
import { evidenceText } from '../../src/audit/evidence/file';
import type { PolicyText } from '../../src/audit/evidence/policy';
import { firstDifference } from '../../src/audit/evidence/recheck';
import { type EvidenceFile, evidenceFileSchema } from '../../src/audit/evidence/schema';
import type { HistoryReplay } from '../../src/audit/replay';
import { checkHistory, readRuns } from '../../src/audit/verify/history';
import { findingsOf } from '../../src/audit/verify/verify';

const historiesSchema = evidenceFileSchema.pick({ runs: true }).loose();

/** Does what a forger who knows the format does: makes every hash match again after the change. */
export function resealed(value: unknown): EvidenceFile | undefined {
  const decoded = evidenceFileSchema.safeParse(value);
  if (!decoded.success) return undefined;
  const evidence = decoded.data;
  let previous = chainStart(evidence.request);
  const steps = evidence.steps.map((step) => ({
    ...step,
    events: step.events.map(({ event }) => {
      previous = chainHash(previous, event);
      return { event, hash: previous };
    }),
  }));
  const forged = { ...evidence, steps, head: previous };
  return { ...forged, seal: sealOf(forged) };
}

/** Returns evidence with words replaced everywhere, in the histories too, and every hash made to match again. */
export function rewritten(
  evidence: EvidenceFile,
  replacements: readonly (readonly [string, string])[],
): EvidenceFile {
  const replaced = (text: string) =>
    replacements.reduce((before, [from, to]) => before.replaceAll(from, to), text);
  const isPayload = (name: string, value: unknown): value is string =>
    name === 'data' && typeof value === 'string';
  const text = JSON.stringify(evidence, (name, value) =>
    isPayload(name, value)
      ? Buffer.from(replaced(Buffer.from(value, 'base64').toString('utf8'))).toString('base64')
      : value,
  );
  const forged = resealed(JSON.parse(replaced(text)));
  if (forged === undefined) throw new Error('the result is not evidence');
  return forged;
}

/** Finds the check that notices a forgery of one piece of evidence. */
export class Forgeries {
  readonly #readPolicies = new Map<string, PolicyText>();
  readonly #replayer: HistoryReplay;
  readonly #submitted: unknown;

  constructor(
    private readonly untouched: EvidenceFile,
    private readonly plainReplayer: HistoryReplay,
  ) {
    this.#replayer = new RememberingReplay(plainReplayer);
    const read = readRuns(untouched);
    this.#submitted = read.ok ? submittedIn(read.runs) : undefined;
  }

  /** Returns the first check that notices it, or undefined if none does. */
  async noticedBy(value: unknown): Promise<string | undefined> {
    const forged = resealed(value);
    if (forged === undefined) return 'form';
    const options = {
      text: evidenceText(forged),
      replayer: this.#replayer,
      readPolicies: this.#readPolicies,
    };
    for await (const { check } of findingsOf(forged, options)) return check;
    return undefined;
  }

  /**
   * The same for a forgery in the histories alone. The other checks read only the submission from them. If
   * that is unchanged, they find nothing, as in the untouched evidence.
   */
  async noticedInHistory(value: unknown): Promise<string | undefined> {
    const decoded = historiesSchema.safeParse(value);
    if (!decoded.success) return 'form';
    const forged = { ...this.untouched, runs: decoded.data.runs };
    const read = readRuns(forged);
    if (!read.ok) return 'history';
    if (firstDifference(this.#submitted, submittedIn(read.runs)) !== undefined) return this.noticedBy(value);
    for await (const { check } of checkHistory(forged, read.runs, this.plainReplayer)) return check;
    return undefined;
  }
}

/** Replays each history once, because most forgeries do not change it. */
class RememberingReplay implements HistoryReplay {
  readonly #known = new Map<string, ReturnType<HistoryReplay['replay']>>();

  constructor(private readonly replayer: HistoryReplay) {}

  replay(history: History, workflowId: string): ReturnType<HistoryReplay['replay']> {
    const key = `${workflowId} ${JSON.stringify(history)}`;
    const known = this.#known.get(key) ?? this.replayer.replay(history, workflowId);
    if (this.#known.size < 16) this.#known.set(key, known);
    return known;
  }
}
