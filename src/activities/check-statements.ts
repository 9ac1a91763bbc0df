import { accessRequestSchema } from '../contracts/request';
import { checkStatement } from '../domain/ports';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** Verifies signatures and gathers what the core needs to judge, by today's directory and policy. */
export function checkStatementsActivity(dependencies: Dependencies): Activities['checkStatements'] {
  return async (envelopes, rawRequest) => {
    const request = accessRequestSchema.parse(rawRequest);
    const { directory, policy } = await dependencies.authority();
    const nowMs = dependencies.nowMs();
    return Promise.all(
      envelopes.map((envelope) => checkStatement(envelope, request, nowMs, directory, policy)),
    );
  };
}
