import type { LinkedPrecedent } from './assessment';
import type { KeyDirectory } from './ports';
import type { PrincipalId } from './principal';
import type { AccessRequest, Submission } from './request';

/** A precedent with whose it was. The two are absent where that is not proved, because the earlier request can no longer be read. */
interface AskedPrecedent extends LinkedPrecedent {
  readonly requester?: PrincipalId;
  readonly beneficiary?: PrincipalId;
}

/** Most earlier requests that are read to name whose they were. The others are shown without a name. */
const MOST_NAMED = 16;

/**
 * Adds whose each precedent was: from the signed submission of the earlier request, which `submissionOf` reads. A denial that was
 * reported has no request; it was of the requester or the beneficiary of this one.
 */
export async function withAskers(
  precedents: readonly LinkedPrecedent[],
  request: AccessRequest,
  submissionOf: (requestId: string) => Promise<Submission | undefined>,
  directory: Pick<KeyDirectory, 'authenticateSubmission'>,
): Promise<readonly AskedPrecedent[]> {
  const askersOf = async ({ kind, id }: LinkedPrecedent, index: number): Promise<Partial<AskedPrecedent>> => {
    if (kind === 'reported-denial')
      return request.requester === request.beneficiary ? { beneficiary: request.beneficiary } : {};
    if (index >= MOST_NAMED) return {};
    const submission = await submissionOf(id);
    if (submission?.request.id !== id) return {};
    const { requester, beneficiary, submittedAtMs } = submission.request;
    const recognised = await directory.authenticateSubmission(submission, submittedAtMs);
    return recognised.ok ? { requester, beneficiary } : {};
  };
  return Promise.all(
    precedents.map(async (precedent, index) => ({ ...precedent, ...(await askersOf(precedent, index)) })),
  );
}
