import { evidenceSchema } from '../contracts/evidence';
import { describeIssues } from '../contracts/problem';
import { proveAuthorised } from '../domain/prove';
import type { RefusalCode } from '../domain/refusal';
import type { Dependencies } from './dependencies';
import type { Activities, ProvisionResult } from './types';

/**
 * The act. It believes nothing of its caller: whoever can schedule an activity task can call it with anything, so the
 * evidence is decoded and proved again by today's directory and policy before the target is touched (TTA-5, TTA-6).
 */
export function provisionActivity(dependencies: Dependencies): Activities['provision'] {
  return async (raw) => {
    const evidence = evidenceSchema.safeParse(raw);
    if (!evidence.success) return refusal('MALFORMED', describeIssues(evidence.error, 'evidence'));
    const { directory, policy } = await dependencies.authority();
    const proof = await proveAuthorised(evidence.data, dependencies.nowMs(), directory, policy);
    if (!proof.ok) return { outcome: 'refused', refusal: proof.refusal };
    const name = proof.value.terms.entitlement.connector;
    const connector = dependencies.connector(name);
    if (connector === undefined) return refusal('TARGET_REFUSED', `this worker has no connector ${name}`);
    return connector.provision(proof.value);
  };
}

const refusal = (code: RefusalCode, detail: string): ProvisionResult => ({
  outcome: 'refused',
  refusal: { code, detail },
});
