import { sealOf } from '../evidence/chain';
import type { RunHistory } from '../evidence/export';
import { evidenceText, parseEvidenceBytes } from '../evidence/file';
import { historyToPlain } from '../evidence/history';
import { firstDifference } from '../evidence/recheck';
import type { FindingSource, RecordedFinding } from '../evidence/recorded-findings';
import type { EvidenceFile } from '../evidence/schema';
import type { HistoryReplay } from '../replay';
import { verifyEvidence } from '../verify/verify';

/*
 * Anyone who can write to an archive can write before the archivist does. An item counts as the evidence of a request only
 * if it is what the archivist itself would have written.
 */

/** What an archived item is compared with. */
export interface TrustedSources {
  readonly requestId: string;
  /** The histories as the server has them. */
  readonly runs: readonly RunHistory[];
  readonly isClosed: boolean;
  readonly replayer: HistoryReplay;
  readonly targets?: FindingSource;
}

export type ArchiveCheck =
  | { readonly ok: true; readonly evidence: EvidenceFile }
  | { readonly ok: false; readonly message: string };

/**
 * Checks that an archived item is the evidence of a request, by the server, the rules and the target.
 *
 * @param make makes the evidence again. Evidence that was archived incomplete fails verification, but equals a new export
 */
export async function checkArchived(
  content: Buffer,
  name: string,
  by: TrustedSources,
  make: () => Promise<{ readonly evidence: EvidenceFile }>,
): Promise<ArchiveCheck> {
  const read = parseEvidenceBytes(content, name);
  if (!read.ok) return read;
  const { evidence, text } = read;
  const foreign = (message: string): ArchiveCheck => ({ ok: false, message: `${name}: ${message}` });
  if (evidence.request !== by.requestId) return foreign(`it is evidence of the request ${evidence.request}`);
  if (!followsServer(evidence, by)) return foreign('its history differs from that of the server');
  if (text !== evidenceText(evidence)) return foreign('it is not canonical evidence');
  const { results } = await verifyEvidence(evidence, { text, replayer: by.replayer });
  const [first] = results.flatMap(({ findings }) => findings);
  if (first !== undefined && !equalsNewExport(evidence, (await make()).evidence))
    return foreign(`${first.check} at ${first.where}: ${first.message}`);
  if (!(await matchesTarget(evidence, by))) return foreign('the target does not have the findings in it');
  return { ok: true, evidence };
}

/** Compares everything except the software that made it and the findings, which can have grown since. */
function equalsNewExport(archived: EvidenceFile, made: EvidenceFile): boolean {
  const { software, findings, seal } = made;
  const { findings: _older, ...rest } = archived;
  const expected = { ...rest, software, seal, ...(findings && { findings }) };
  return sealOf(archived) === archived.seal && firstDifference(expected, made) === undefined;
}

/** Compares the histories with the server's. If the request was still open, the archived one may be shorter. */
function followsServer({ runs }: EvidenceFile, { runs: genuine, isClosed }: TrustedSources): boolean {
  if (isClosed && runs.length !== genuine.length) return false;
  return runs.every(({ runId, history }, index) => {
    const own = genuine[index];
    if (own === undefined || own.runId !== runId) return false;
    const { events } = historyToPlain(own.history);
    const until = isClosed ? events.length : history.events.length;
    return firstDifference(history.events, events.slice(0, until)) === undefined;
  });
}

/** The target must have each archived finding, with the same or higher counts. It never removes one. */
async function matchesTarget({ findings = [], steps }: EvidenceFile, by: TrustedSources): Promise<boolean> {
  if (findings.length === 0) return true;
  const submit = steps[0]?.command;
  if (submit?.type !== 'submit' || by.targets === undefined) return false;
  const { connector } = submit.submission.request.entitlement;
  const now = await by.targets.findings(connector, by.requestId);
  return findings.every((one) => now.some((other) => isLater(other, one)));
}

function isLater(
  later: RecordedFinding,
  { kind, leaseId, account, grant, firstAtMs, lastAtMs, times }: RecordedFinding,
): boolean {
  const sameThing =
    later.kind === kind && later.leaseId === leaseId && later.account === account && later.grant === grant;
  return sameThing && later.firstAtMs === firstAtMs && later.lastAtMs >= lastAtMs && later.times >= times;
}
