import type { History } from '@temporalio/common/lib/proto-utils';
import { chainHash, chainStart, sealOf } from '../../src/audit/evidence/chain';
import { evidenceText, parseEvidence } from '../../src/audit/evidence/file';
import type { EvidenceFile } from '../../src/audit/evidence/schema';
import type { Replayer } from '../../src/audit/replay';
import type { HistoryReplay } from '../../src/audit/verify/history';
import { findingsOf, type VerifyOptions } from '../../src/audit/verify/verify';

/** What a forger does who knows the format: makes every hash good again after the change. */
export function resealed(value: unknown): EvidenceFile | undefined {
  const decoded = parseEvidence(JSON.stringify(value), 'forged');
  if (!decoded.ok) return undefined;
  const { evidence } = decoded;
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

/** The first check that notices a forgery; nothing where none does. */
export async function noticedBy(value: unknown, options: VerifyOptions): Promise<string | undefined> {
  const forged = resealed(value);
  if (forged === undefined) return 'form';
  for await (const { check } of findingsOf(forged, { ...options, text: evidenceText(forged) })) return check;
  return undefined;
}

/** Replays each history once: most forgeries leave it as it is. */
export class RememberingReplay implements HistoryReplay {
  readonly #known = new Map<string, ReturnType<Replayer['replay']>>();

  constructor(private readonly replayer: Replayer) {}

  replay(history: History, workflowId: string): ReturnType<Replayer['replay']> {
    const key = `${workflowId} ${JSON.stringify(history)}`;
    const known = this.#known.get(key) ?? this.replayer.replay(history, workflowId);
    if (this.#known.size < 64) this.#known.set(key, known);
    return known;
  }
}
