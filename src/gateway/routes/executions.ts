import { z } from '@hono/zod-openapi';
import { LIMITS } from '../../domain/limits';
import { REFUSAL_CODES } from '../../domain/refusal';
import { OUTCOMES } from '../../domain/statement';
import type { MetricsSink } from '../../telemetry/catalogue';
import type { ExecutionTokens } from '../execution/tokens';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { HttpProblem } from '../http/problem';
import { type Add, idOf, idParams } from './adder';
import { evidenceAnswer, outcomeAnswer, redeemedAnswer, tokenAnswer } from './answers';

const actionBody = z.object({
  tool: z.string().max(LIMITS.foreignNameCharacters),
  toolVersion: z.string().max(LIMITS.foreignNameCharacters),
  target: z.string().max(LIMITS.foreignNameCharacters),
  arguments: z.record(z.string(), z.unknown()),
});
const releaseSchema = z.object({ request: z.string().max(128) }).openapi('ReleaseToken');
const redeemSchema = z
  .object({ token: z.string().max(16_384), holder_proof: z.string().max(8_192), action: actionBody })
  .openapi('RedeemToken');
const outcomeSchema = z
  .object({
    request: z.string().max(128),
    outcome: z.enum(OUTCOMES),
    /** Why a use was refused. */
    reason_code: z.enum(REFUSAL_CODES).optional(),
  })
  .refine(({ outcome, reason_code: code }) => (outcome === 'redemption_refused') === (code !== undefined), {
    error: 'reason_code goes with redemption_refused, and only with it',
  })
  .openapi('Outcome');

/** Adds execution tokens: release, redemption, outcome, evidence. */
export function addExecutions(add: Add, { executions, authenticator, metrics }: Gateway): void {
  const redeem = measuredRedemption(executions, metrics);
  add(
    'post',
    '/v1/execution-tokens',
    {
      limit: 'submission',
      summary: 'A token for an approved execution, bound to the key of the DPoP proof',
      body: releaseSchema,
      response: tokenAnswer,
      provesKey: true,
    },
    async (c) => {
      const { request } = await readBody(c, releaseSchema);
      const holderKey = await authenticator.holderKey(c, c.get('caller'));
      if (holderKey === undefined)
        throw new HttpProblem(400, 'a DPoP proof is needed, because the token is bound to its key');
      return c.json(await executions.release(c.get('caller'), request, holderKey));
    },
  );
  add(
    'post',
    '/v1/execution-tokens/redeem',
    {
      limit: 'redemption',
      summary: 'Use a token, once, for exactly its action',
      body: redeemSchema,
      response: redeemedAnswer,
    },
    async (c) => {
      const { token, holder_proof: holderProof, action } = await readBody(c, redeemSchema);
      return c.json(await redeem(c.get('caller'), { token, holderProof, action }));
    },
  );
  add(
    'post',
    '/v1/executions/outcome',
    {
      limit: 'submission',
      summary: 'Report how an execution ended',
      body: outcomeSchema,
      response: outcomeAnswer,
    },
    async (c) => {
      const { request, outcome, reason_code: code } = await readBody(c, outcomeSchema);
      return c.json(await executions.outcome(c.get('caller'), request, outcome, code));
    },
  );
  add(
    'get',
    '/v1/requests/:id/evidence',
    {
      limit: 'reading',
      summary: 'Evidence of an execution, for its executor to verify',
      params: idParams,
      response: evidenceAnswer,
    },
    async (c) => c.json(await executions.evidence(c.get('caller'), idOf(c))),
  );
}

/** Redeems tokens, and counts the results. */
function measuredRedemption(executions: ExecutionTokens, { record }: MetricsSink): ExecutionTokens['redeem'] {
  return async (caller, redemption) => {
    try {
      const redeemed = await executions.redeem(caller, redemption);
      record('countersign_redemptions_total', 1, { result: 'redeemed' });
      return redeemed;
    } catch (error) {
      const code = error instanceof HttpProblem ? error.about.code : undefined;
      record('countersign_redemptions_total', 1, { result: code ?? 'failed' });
      throw error;
    }
  };
}
