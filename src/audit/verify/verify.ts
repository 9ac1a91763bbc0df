import type { DirectoryBook } from '../../directory/directory-book';
import { askedDirectoryOf, bookOfExcerpt } from '../evidence/excerpt';
import { type RunHistory, submittedIn } from '../evidence/export';
import { type PolicyFile, type PolicyText, policyDigestOf, readPolicy } from '../evidence/policy';
import { firstDifference, Rechecker } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import { recheckSteps } from '../evidence/steps';
import type { HistoryReplay } from '../replay';
import { checkDuties } from './duties';
import { CHECKS, type Check, type Finding, finding } from './finding';
import { checkHistory, readRuns } from './history';
import { checkInclusion, type LogTrust } from './inclusion';
import { checkChain, checkCourse, checkDigests, checkForm, checkSeal } from './integrity';

/** What a verification goes by, besides the evidence itself. What is not given is not checked. */
export interface VerifyOptions {
  /** The file as it was read, for every byte of it to be accounted for. */
  readonly text?: string;
  readonly replayer?: HistoryReplay;
  /** Files of a policy bundle, and the text of a directory, as the verifier has them from elsewhere. */
  readonly policy?: readonly PolicyFile[];
  readonly directory?: string;
  readonly log?: LogTrust;
  /** Policies that were read before, by digest: a verifier of many need not read them again. */
  readonly readPolicies?: Map<string, PolicyText>;
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
  for await (const one of findingsOf(evidence, options)) found.push(one);
  const results = (Object.keys(CHECKS) as Check[]).map((check): CheckResult => {
    const findings = found.filter((one) => one.check === check);
    if (findings.length > 0) return { check, state: 'failed', findings };
    return { check, state: isMade(check, options) ? 'passed' : 'not checked', findings };
  });
  return { ok: found.length === 0, results };
}

function isMade(check: Check, { text, replayer, policy, directory, log }: VerifyOptions): boolean {
  const needed: Partial<Record<Check, unknown>> = { form: text, history: replayer, policy, directory, log };
  return !(check in needed) || needed[check] !== undefined;
}

/** Everything that does not hold, cheapest checks first. Whoever needs only one can stop there. */
export async function* findingsOf(evidence: EvidenceFile, options: VerifyOptions): AsyncGenerator<Finding> {
  yield* checkForm(evidence, options.text);
  yield* checkSeal(evidence);
  if (options.log !== undefined) yield* checkInclusion(evidence, options.log);
  yield* checkChain(evidence);
  yield* checkDigests(evidence);
  yield* checkCourse(evidence);
  const runs = readRuns(evidence);
  if (!runs.ok) return yield runs.finding;
  yield* recheck(evidence, runs.runs, options);
  yield* checkDuties(evidence);
  if (options.policy !== undefined) yield* checkGivenPolicy(evidence, options.policy);
  if (options.directory !== undefined)
    yield* checkGivenDirectory(evidence, runs.runs, options.directory, options);
  if (options.replayer !== undefined) yield* checkHistory(evidence, runs.runs, options.replayer);
}

async function* recheck(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  options: VerifyOptions,
): AsyncGenerator<Finding> {
  const { policies, findings } = readPolicies(evidence, options);
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

function readPolicies(evidence: EvidenceFile, { readPolicies: known }: VerifyOptions) {
  const policies: PolicyText[] = [];
  const findings: Finding[] = [];
  for (const [index, { files }] of evidence.policies.entries()) {
    const digest = policyDigestOf(files);
    const earlier = known?.get(digest);
    const read = earlier === undefined ? readPolicy(files) : { ok: true as const, policy: earlier };
    if (!read.ok) {
      findings.push(finding('books', `policies[${index}]`, read.message));
      continue;
    }
    known?.set(digest, read.policy);
    policies.push(read.policy);
  }
  return { policies, findings };
}

const plainSteps = ({ steps }: EvidenceFile) =>
  steps.map(({ events, ...rest }) => ({ ...rest, events: events.map(({ event }) => event) }));

function* checkGivenPolicy({ policies }: EvidenceFile, given: readonly PolicyFile[]): Generator<Finding> {
  const digest = policyDigestOf(given);
  // Of a request that could not even be read, nothing rests on policy.
  if (policies.length > 0 && !policies.some((one) => one.digest === digest))
    yield finding('policy', 'policies', `none of them is the given one, which has the digest ${digest}`);
}

/** The given directory must have the digest that was recorded, and yield the same excerpt when asked the same. */
async function* checkGivenDirectory(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  given: string,
  options: VerifyOptions,
): AsyncGenerator<Finding> {
  const asked = askedDirectoryOf(given);
  if (asked === undefined) return yield finding('directory', 'directories', 'the given file is no directory');
  const index = evidence.directories.findIndex(({ digest }) => digest === asked.digest);
  const recorded = evidence.directories[index];
  if (evidence.directories.length === 0) return;
  if (recorded === undefined)
    return yield finding(
      'directory',
      'directories',
      `none of them is the given one, which has the digest ${asked.digest}`,
    );
  // In the order of the file, for each version to be asked what it was asked when the evidence was made.
  const directories = evidence.directories.flatMap(({ digest, excerpt }): readonly DirectoryBook[] => {
    if (digest === asked.digest) return [asked];
    const read = bookOfExcerpt(excerpt, digest);
    return read.ok ? [read.book] : [];
  });
  const { policies } = readPolicies(evidence, options);
  const rechecker = new Rechecker({ policies, directories });
  const steps = recheckSteps(rechecker, evidence.request, submittedIn(runs), plainSteps(evidence));
  for await (const { index: step, found } of steps)
    if (!found.same) yield finding('directory', `steps[${step}].command`, found.message);
  const where = firstDifference(recorded.excerpt, asked.excerpt());
  if (where !== undefined)
    yield finding(
      'directory',
      `directories[${index}].excerpt.${where}`,
      'the given directory says otherwise',
    );
}
