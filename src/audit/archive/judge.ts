import { sealOf } from '../evidence/chain';
import type { RunHistory } from '../evidence/export';
import { evidenceText, parseEvidenceBytes } from '../evidence/file';
import type { Found, FoundSource } from '../evidence/found';
import { historyToPlain } from '../evidence/history';
import { firstDifference } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import type { HistoryReplay } from '../replay';
import { verifyEvidence } from '../verify/verify';

/*
 * Whoever can write to an archive can be there before the archivist. What lies under a name is taken for the evidence of
 * a request only where it is what the archivist itself would have written.
 */

/** What evidence is judged by. */
export interface Witnesses {
  readonly requestId: string;
  /** The histories as the server has them. */
  readonly runs: readonly RunHistory[];
  readonly isClosed: boolean;
  readonly replayer: HistoryReplay;
  readonly targets?: FoundSource;
}

export type Judged =
  | { readonly ok: true; readonly evidence: EvidenceFile }
  | { readonly ok: false; readonly message: string };

/**
 * Whether what is archived is the evidence of a request, by the server, the rules and the target.
 *
 * @param make makes it again: what had to be written with something missing does not verify, but comes out the same
 */
export async function judgeArchived(
  content: Buffer,
  name: string,
  by: Witnesses,
  make: () => Promise<{ readonly evidence: EvidenceFile }>,
): Promise<Judged> {
  const read = parseEvidenceBytes(content, name);
  if (!read.ok) return read;
  const { evidence, text } = read;
  const foreign = (message: string): Judged => ({ ok: false, message: `${name}: ${message}` });
  if (evidence.request !== by.requestId) return foreign(`is of the request ${evidence.request}`);
  if (!followsServer(evidence, by)) return foreign('is of another history than that of the server');
  if (text !== evidenceText(evidence)) return foreign('is not as evidence is written');
  const { results } = await verifyEvidence(evidence, { text, replayer: by.replayer });
  const [first] = results.flatMap(({ findings }) => findings);
  if (first !== undefined && !isMadeAlike(evidence, (await make()).evidence))
    return foreign(`${first.check} at ${first.where}: ${first.message}`);
  if (!(await isToldByTarget(evidence, by))) return foreign('tells of the target what the target does not');
  return { ok: true, evidence };
}

/** Apart from what made it, and from what the target has told since. */
function isMadeAlike(archived: EvidenceFile, made: EvidenceFile): boolean {
  const { software, findings, seal } = made;
  const { findings: _older, ...rest } = archived;
  const expected = { ...rest, software, seal, ...(findings && { findings }) };
  return sealOf(archived) === archived.seal && firstDifference(expected, made) === undefined;
}

/** Of what is closed the histories are the server's to the end; of what still ran, its beginning. */
function followsServer({ runs }: EvidenceFile, { runs: genuine, isClosed }: Witnesses): boolean {
  if (isClosed && runs.length !== genuine.length) return false;
  return runs.every(({ runId, history }, index) => {
    const own = genuine[index];
    if (own === undefined || own.runId !== runId) return false;
    const { events } = historyToPlain(own.history);
    const until = isClosed ? events.length : history.events.length;
    return firstDifference(history.events, events.slice(0, until)) === undefined;
  });
}

/** What was found on a target is counted up as it is seen again, and is never taken back. */
async function isToldByTarget({ findings = [], steps }: EvidenceFile, by: Witnesses): Promise<boolean> {
  if (findings.length === 0) return true;
  const submit = steps[0]?.command;
  if (submit?.type !== 'submit' || by.targets === undefined) return false;
  const { connector } = submit.submission.request.entitlement;
  const now = await by.targets.found(connector, by.requestId);
  return findings.every((one) => now.some((other) => isLater(other, one)));
}

function isLater(
  later: Found,
  { kind, leaseId, account, grant, firstAtMs, lastAtMs, times }: Found,
): boolean {
  const sameThing =
    later.kind === kind && later.leaseId === leaseId && later.account === account && later.grant === grant;
  return sameThing && later.firstAtMs === firstAtMs && later.lastAtMs >= lastAtMs && later.times >= times;
}
