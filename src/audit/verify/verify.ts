import { bookOfExcerpt } from '../evidence/excerpt';
import { type RunHistory, submittedIn } from '../evidence/export';
import type { PolicyFile } from '../evidence/policy';
import { Rechecker } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import { recheckSteps } from '../evidence/steps';
import type { HistoryReplay } from '../replay';
import { checkDuties } from './duties';
import { CHECKS, type Check, type Finding, finding } from './finding';
import { checkGivenDirectories, checkGivenPolicies } from './given';
import { checkHistory, readRuns } from './history';
import { checkInclusion, type LogTrust } from './inclusion';
import { checkChain, checkCourse, checkDigests, checkForm, checkSeal } from './integrity';
import { type KnownPolicies, plainSteps, readPolicies } from './read-books';

/** What a verification goes by, besides the evidence itself. What is not given is not checked. */
export interface VerifyOptions {
  /** The file as it was read, for every byte of it to be accounted for. */
  readonly text?: string;
  readonly replayer?: HistoryReplay;
  /** Every version of policy and directory that counted, as the verifier has them from elsewhere: files, and texts. */
  readonly policies?: readonly (readonly PolicyFile[])[];
  readonly directories?: readonly string[];
  readonly log?: LogTrust;
  readonly readPolicies?: KnownPolicies;
}

/** What became of one check. */
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
  const found: Finding[] = [];
  const made = new Set<Check>();
  for await (const one of findingsOf(evidence, options, made)) found.push(one);
  const results = (Object.keys(CHECKS) as Check[]).map((check): CheckResult => {
    const findings = found.filter((one) => one.check === check);
    if (findings.length > 0) return { check, state: 'failed', findings };
    return { check, state: made.has(check) ? 'passed' : 'not checked', findings };
  });
  return { ok: found.length === 0, results };
}

/**
 * Everything that does not hold, cheapest checks first. Whoever needs only one can stop there.
 *
 * @param made is told of each check that was made to its end: one that was never made has not passed
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
      // No file may keep a check from coming to an end, and what breaks one off is no evidence.
      const message = error instanceof Error ? error.message : 'unknown';
      yield finding(check, 'the whole', `the check broke off: ${message}`);
    }
  }
  if (text !== undefined) yield* make('form', checkForm(evidence, text));
  yield* make('seal', checkSeal(evidence));
  if (log !== undefined) yield* make('log', checkInclusion(evidence, log));
  yield* make('chain', checkChain(evidence));
  yield* checkDigests(evidence);
  yield* make('course', checkCourse(evidence));
  const runs = readRuns(evidence);
  if (!runs.ok) yield runs.finding;
  if (runs.ok) yield* make('books', recheck(evidence, runs.runs, options), ['assessment', 'statements']);
  yield* make('duties', checkDuties(evidence));
  if (policies !== undefined) yield* make('policy', checkGivenPolicies(evidence, policies));
  if (!runs.ok) return;
  if (directories !== undefined)
    yield* make('directory', checkGivenDirectories(evidence, runs.runs, directories, options.readPolicies));
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
    const read = bookOfExcerpt(excerpt, digest);
    if (read.ok) directories.push(read.book);
    else yield finding('books', `directories[${index}].excerpt`, read.message);
  }
  const rechecker = new Rechecker({ policies, directories });
  const used = new Set<unknown>();
  const steps = recheckSteps(rechecker, evidence.request, submittedIn(runs), plainSteps(evidence));
  for await (const { index, kind, found } of steps) {
    const check = kind === 'assessment' ? 'assessment' : 'statements';
    if (!found.same) yield finding(check, `steps[${index}].command`, found.message);
    else used.add(found.policy?.digest).add(found.directory?.digest);
  }
  for (const [list, versions] of Object.entries({
    policies: evidence.policies,
    directories: evidence.directories,
  }))
    for (const [index, { digest }] of versions.entries())
      if (!used.has(digest)) yield finding('books', `${list}[${index}]`, 'nothing rests on this version');
}
