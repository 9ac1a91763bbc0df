import { accessRequestSchema } from '../contracts/request';
import { checkStatement } from '../domain/ports';
import type { StatementCheck } from '../domain/statement';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** Verifies signatures and gathers what the core needs to judge, by today's directory and policy. */
export function checkStatementsActivity(dependencies: Dependencies): Activities['checkStatements'] {
  return async (envelopes, rawRequest) => {
    const request = accessRequestSchema.parse(rawRequest);
    const { directory, policy } = await dependencies.authority();
    const nowMs = dependencies.nowMs();
    return Promise.all(
      envelopes.map((envelope) =>
        checkStatement(envelope, request, nowMs, directory, policy).catch(uncheckable),
      ),
    );
  };
}

/** One statement over which a check breaks must not keep those that came with it from being judged. */
const uncheckable = (): StatementCheck => ({
  verified: false,
  attempt: { refusal: { code: 'NOT_NOW', detail: 'it could not be checked; send it again later' } },
});
