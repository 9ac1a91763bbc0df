import type { DirectoryBook } from '../../directory/directory-book';
import { type AskedDirectory, askedDirectoryOf, bookOfExcerpt } from '../evidence/excerpt';
import { type RunHistory, submittedIn } from '../evidence/export';
import { type PolicyFile, policyDigestOf } from '../evidence/policy';
import { firstDifference, Rechecker } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import { recheckSteps } from '../evidence/steps';
import { type Finding, finding } from './finding';
import { type KnownPolicies, plainSteps, readPolicies } from './read-books';

/*
 * Evidence against versions of policy and directory that the verifier has from elsewhere. Every version in it must be
 * among them: one that is not could have been made up, and hold whatever keys its maker likes.
 */

const NOT_GIVEN = 'this version is none of the given ones; give it too, or do not believe it';

/** Each recorded policy must be one of the given ones. */
export function* checkGivenPolicies(
  { policies }: EvidenceFile,
  given: readonly (readonly PolicyFile[])[],
): Generator<Finding> {
  const digests = new Set<string>(given.map(policyDigestOf));
  for (const [index, { digest }] of policies.entries())
    if (!digests.has(digest)) yield finding('policy', `policies[${index}]`, NOT_GIVEN);
}

/** Each recorded directory must be one of the given ones, which must yield the same excerpt when asked the same. */
export async function* checkGivenDirectories(
  evidence: EvidenceFile,
  runs: readonly RunHistory[],
  given: readonly string[],
  known: KnownPolicies | undefined,
): AsyncGenerator<Finding> {
  const asked = new Map<string, AskedDirectory>();
  for (const text of given) {
    const directory = askedDirectoryOf(text);
    if (directory === undefined)
      return yield finding('directory', 'directories', 'a given file is no directory');
    asked.set(directory.digest, directory);
  }
  // In the order of the file, for each version to be asked what it was asked when the evidence was made.
  const directories = evidence.directories.flatMap(({ digest, excerpt }): readonly DirectoryBook[] => {
    const whole = asked.get(digest);
    if (whole !== undefined) return [whole];
    const read = bookOfExcerpt(excerpt, digest);
    return read.ok ? [read.book] : [];
  });
  const { policies } = readPolicies(evidence, known);
  const rechecker = new Rechecker({ policies, directories });
  const steps = recheckSteps(rechecker, evidence.request, submittedIn(runs), plainSteps(evidence));
  for await (const { index, found } of steps)
    if (!found.same) yield finding('directory', `steps[${index}].command`, found.message);
  for (const [index, { digest, excerpt }] of evidence.directories.entries()) {
    const whole = asked.get(digest);
    if (whole === undefined) {
      yield finding('directory', `directories[${index}]`, NOT_GIVEN);
      continue;
    }
    const where = firstDifference(excerpt, whole.excerpt());
    if (where !== undefined)
      yield finding(
        'directory',
        `directories[${index}].excerpt.${where}`,
        'the given directory says otherwise',
      );
  }
}
