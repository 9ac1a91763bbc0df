import type { Directory } from '../../directory/directory';
import { type AskedDirectory, askedDirectoryOf, directoryOfExcerpt } from '../evidence/excerpt';
import { type RunHistory, submittedIn } from '../evidence/export';
import { type PolicyFile, type PolicyText, policyDigestOf, readPolicy } from '../evidence/policy';
import { firstDifference, Rechecker, recheckSteps } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';

/*
 * Compares evidence with versions of policy and directory that the verifier supplies as trust anchors. Every version in the
 * evidence must be among them: another one could be forged, with keys of the forger.
 */

const NOT_SUPPLIED = 'this version is not among those that you supplied; supply it too, or do not trust it';

/** Each recorded policy must be one of the supplied ones. */
export function* checkSuppliedPolicies(
  { policies }: EvidenceFile,
  supplied: readonly (readonly PolicyFile[])[],
): Generator<Finding> {
  const digests = new Set<string>(supplied.map(policyDigestOf));
  for (const [index, { digest }] of policies.entries())
    if (!digests.has(digest)) yield finding('policy', `policies[${index}]`, NOT_SUPPLIED);
}

/** Each recorded directory must be one of the supplied ones, which must give the same excerpt for the same questions. */
export async function* checkSuppliedDirectories(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  supplied: readonly string[],
  known: PolicyCache | undefined,
): AsyncGenerator<Finding> {
  const asked = new Map<string, AskedDirectory>();
  for (const text of supplied) {
    const directory = await askedDirectoryOf(text);
    if (directory === undefined)
      return yield finding('directory', 'directories', 'a supplied file is not a directory file');
    asked.set(directory.digest, directory);
  }
  // Keep the order of the file, so that each version gets the same lookups as when the evidence was made.
  const directories: Directory[] = [];
  for (const { digest, excerpt } of evidence.directories) {
    const whole = asked.get(digest);
    const read = whole === undefined ? await directoryOfExcerpt(excerpt, digest) : undefined;
    const directory = whole ?? (read?.ok ? read.directory : undefined);
    if (directory !== undefined) directories.push(directory);
  }
  const { policies } = readPolicies(evidence, known);
  const rechecker = new Rechecker({ policies, directories });
  const steps = recheckSteps(rechecker, evidence.request, submittedIn(runs), plainSteps(evidence));
  for await (const { index, recheck } of steps)
    if (!recheck.same) yield finding('directory', `steps[${index}].command`, recheck.message);
  for (const [index, { digest, excerpt }] of evidence.directories.entries()) {
    const whole = asked.get(digest);
    if (whole === undefined) {
      yield finding('directory', `directories[${index}]`, NOT_SUPPLIED);
      continue;
    }
    const where = firstDifference(excerpt, whole.excerpt());
    if (where !== undefined)
      yield finding(
        'directory',
        `directories[${index}].excerpt.${where}`,
        'the supplied directory has something else here',
      );
  }
}

/** A cache of parsed policies by digest, for verifying many pieces of evidence. */
export type PolicyCache = Map<string, PolicyText>;

/** Parses the policies in evidence. Returns them, and a finding for each that cannot be parsed. */
export function readPolicies(evidence: EvidenceFile, known: PolicyCache | undefined) {
  const policies: PolicyText[] = [];
  const findings: Finding[] = [];
  for (const [index, { files }] of evidence.policies.entries()) {
    const digest = policyDigestOf(files);
    const earlier = known?.get(digest);
    const read = earlier === undefined ? readPolicy(files) : { ok: true as const, policy: earlier };
    if (!read.ok) {
      findings.push(finding('versions', `policies[${index}]`, read.message));
      continue;
    }
    known?.set(digest, read.policy);
    policies.push(read.policy);
  }
  return { policies, findings };
}

/** Returns the steps without the hashes of their events. */
export const plainSteps = ({ steps }: EvidenceFile) =>
  steps.map(({ events, ...rest }) => ({ ...rest, events: events.map(({ event }) => event) }));
