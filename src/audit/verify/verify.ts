import { directoryOfExcerpt } from '../evidence/excerpt';
import { type RunHistory, submittedIn } from '../evidence/export';
import type { PolicyFile } from '../evidence/policy';
import { Rechecker, recheckSteps } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import type { HistoryReplay } from '../replay';
import { checkDuties } from './duties';
import { CHECKS, type Check, type Finding, finding } from './finding';
import { checkHistory, readRuns } from './history';
import { checkInclusion, type LogTrust } from './inclusion';
import { checkChain, checkDecisions, checkDigests, checkForm, checkSeal } from './integrity';
import {
  checkSuppliedDirectories,
  checkSuppliedPolicies,
  type PolicyCache,
  plainSteps,
  readPolicies,
} from './supplied-versions';

/** What a verification uses besides the evidence itself. If something is missing, its check is not made. */
export interface VerifyOptions {
  /** The text of the file, to check every byte. */
  readonly text?: string;
  readonly replayer?: HistoryReplay;
  /** Every version of policy and directory that counted, from a source that the verifier trusts: files, and texts. */
  readonly policies?: readonly (readonly PolicyFile[])[];
  readonly directories?: readonly string[];
  readonly log?: LogTrust;
  readonly readPolicies?: PolicyCache;
}

/** The result of one check. */
export interface CheckResult {
  readonly check: Check;
  readonly state: 'passed' | 'failed' | 'not checked';
  readonly findings: readonly Finding[];
}

export interface Verification {
  readonly ok: boolean;
  readonly results: readonly CheckResult[];
}

/** Makes every check of a piece of evidence. Needs no server, no network and no clock. */
export async function verifyEvidence(evidence: EvidenceFile, options: VerifyOptions): Promise<Verification> {
  const all: Finding[] = [];
  const made = new Set<Check>();
  for await (const one of findingsOf(evidence, options, made)) all.push(one);
  const results = (Object.keys(CHECKS) as Check[]).map((check): CheckResult => {
    const findings = all.filter((one) => one.check === check);
    if (findings.length > 0) return { check, state: 'failed', findings };
    return { check, state: made.has(check) ? 'passed' : 'not checked', findings };
  });
  return { ok: all.length === 0, results };
}

/**
 * Yields every finding, cheapest checks first. A caller that needs only one can stop after it.
 *
 * @param made receives each check that was completed: a check that was not made has not passed
 */
export async function* findingsOf(
  evidence: EvidenceFile,
  options: VerifyOptions,
  made: Set<Check> = new Set(),
): AsyncGenerator<Finding> {
  const { text, log, policies, directories, replayer } = options;
  async function* make(
    check: Check,
    findings: Iterable<Finding> | AsyncIterable<Finding>,
    also: readonly Check[] = [],
  ): AsyncGenerator<Finding> {
    try {
      yield* findings;
      for (const one of [check, ...also]) made.add(one);
    } catch (error) {
      // Evidence that makes a check throw is not valid.
      const message = error instanceof Error ? error.message : 'unknown';
      yield finding(check, 'the whole', `the check failed with an error: ${message}`);
    }
  }
  if (text !== undefined) yield* make('form', checkForm(evidence, text));
  yield* make('seal', checkSeal(evidence));
  if (log !== undefined) yield* make('log', checkInclusion(evidence, log));
  yield* make('chain', checkChain(evidence));
  yield* checkDigests(evidence);
  yield* make('decisions', checkDecisions(evidence));
  const runs = readRuns(evidence);
  if (!runs.ok) yield runs.finding;
  if (runs.ok) yield* make('versions', recheck(evidence, runs.runs, options), ['assessment', 'statements']);
  yield* make('duties', checkDuties(evidence));
  if (policies !== undefined) yield* make('policy', checkSuppliedPolicies(evidence, policies));
  if (!runs.ok) return;
  if (directories !== undefined)
    yield* make(
      'directory',
      checkSuppliedDirectories(evidence, runs.runs, directories, options.readPolicies),
    );
  if (replayer !== undefined) yield* make('history', checkHistory(evidence, runs.runs, replayer));
}

async function* recheck(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  options: VerifyOptions,
): AsyncGenerator<Finding> {
  const { policies, findings } = readPolicies(evidence, options.readPolicies);
  yield* findings;
  const directories = [];
  for (const [index, { digest, excerpt }] of evidence.directories.entries()) {
    const read = await directoryOfExcerpt(excerpt, digest);
    if (read.ok) directories.push(read.directory);
    else yield finding('versions', `directories[${index}].excerpt`, read.message);
  }
  const rechecker = new Rechecker({ policies, directories });
  const used = new Set<unknown>();
  const steps = recheckSteps(rechecker, evidence.request, submittedIn(runs), plainSteps(evidence));
  for await (const { index, kind, recheck } of steps) {
    const check = kind === 'assessment' ? 'assessment' : 'statements';
    if (!recheck.same) yield finding(check, `steps[${index}].command`, recheck.message);
    else used.add(recheck.policy?.digest).add(recheck.directory?.digest);
  }
  for (const [list, versions] of Object.entries({
    policies: evidence.policies,
    directories: evidence.directories,
  }))
    for (const [index, { digest }] of versions.entries())
      if (!used.has(digest))
        yield finding('versions', `${list}[${index}]`, 'nothing in the evidence uses this version');
}
