import type { CountersignClient } from '../../client';
import { evidenceOf } from '../../contracts/evidence';
import type { Evidence } from '../../domain/evidence';
import type { Authority } from '../../domain/ports';
import { type Authorisation, proveAuthorised } from '../../domain/prove';
import { type Result, refused } from '../../domain/refusal';

export { evidenceOf };

/** Proves a request again from its evidence, by today's directory and policy, as of `atMs`. */
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
