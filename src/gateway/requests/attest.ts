import { decodeJwt } from 'jose';
import { describeIssues } from '../../contracts/problem';
import { newSubmissionSchema } from '../../contracts/request';
import { attestationClaimsSchema } from '../../contracts/statement';
import { LIMITS } from '../../domain/limits';
import type { Submission } from '../../domain/request';
import type { SigningKey } from '../../signing/keys';
import { attestSubmission } from '../../signing/sign';
import { HttpProblem } from '../http/problem';

type Attested = Parameters<typeof attestSubmission>;

/**
 * Attests who asked, and parses the result as every verifier will. So a submission that verifiers would refuse later is refused
 * here, before anything is started.
 *
 * @throws HttpProblem 400 that names what is wrong, or 413
 */
export async function attest(
  request: Attested[0],
  about: Attested[1],
  key: SigningKey,
  atMs: number,
): Promise<Submission> {
  const signed = await attestSubmission(request, about, key, atMs);
  const decoded = newSubmissionSchema.safeParse(signed);
  if (!decoded.success) throw refused(describeIssues(decoded.error, 'request'));
  const claims = attestationClaimsSchema.safeParse(decodeJwt(signed.proof.jws));
  if (!claims.success) throw refused(describeIssues(claims.error, 'attestation'));
  if (signed.proof.jws.length > LIMITS.statementBytes)
    throw new HttpProblem(413, `what has to be kept of it may have ${LIMITS.statementBytes} bytes, signed`);
  if (JSON.stringify(decoded.data).length > LIMITS.requestBytes)
    throw new HttpProblem(413, `a request may have ${LIMITS.requestBytes} bytes`);
  return decoded.data;
}

const refused = (detail: string) => new HttpProblem(400, detail.slice(0, 600));
