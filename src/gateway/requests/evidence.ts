import type { CountersignClient } from '../../client';
import { evidenceOf } from '../../contracts/evidence-of';
import type { Directory, Policy } from '../../domain/ports';
import { type Authorisation, type Evidence, proveAuthorised } from '../../domain/prove';
import { type Result, refused } from '../../domain/refusal';

export { evidenceOf };

/** The directory and policy of this moment. */
export interface Authority {
  readonly directory: Directory;
  readonly policy: Policy;
}

/** Proves a request again from its evidence, by the directory and policy of now, as of `atMs`. */
export async function proveRequest(
  client: CountersignClient,
  requestId: string,
  atMs: number,
  { directory, policy }: Authority,
): Promise<Result<{ readonly authorisation: Authorisation; readonly evidence: Evidence }>> {
  const evidence = evidenceOf(await client.events(requestId));
  if (evidence === undefined || evidence.submission.request.id !== requestId)
    return refused('NOT_AUTHORISED', 'there is no evidence that could prove it');
  const proof = await proveAuthorised(evidence, atMs, directory, policy);
  return proof.ok ? { ok: true, value: { authorisation: proof.value, evidence } } : proof;
}
