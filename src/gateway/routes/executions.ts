import { z } from '@hono/zod-openapi';
import { REFUSAL_CODES } from '../../domain/refusal';
import { OUTCOMES } from '../../domain/statement';
import { statementBodySchema } from '../approver/desk';
import { measuredRedemption } from '../execution/measured';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { HttpProblem } from '../http/problem';
import { type Add, idOf, idParams } from './adder';

const actionBody = z.object({
  tool: z.string().max(128),
  toolVersion: z.string().max(128),
  target: z.string().max(128),
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

/** Routes of this part. */
export function addExecutions(add: Add, { executions, authenticator, metrics }: Gateway): void {
  const redeem = measuredRedemption(executions, metrics);
  add(
    'post',
    '/v1/execution-tokens',
    {
      limit: 'submission',
      summary: 'A token for an approved execution, bound to the key of the DPoP proof',
      body: releaseSchema,
    },
    async (c) => {
      const { request } = await readBody(c, releaseSchema);
      const holderKey = await authenticator.holderKey(c, c.get('caller'));
      if (holderKey === undefined)
        throw new HttpProblem(400, 'a DPoP proof is needed: the token is bound to its key');
      return c.json(await executions.release(c.get('caller'), request, holderKey));
    },
  );
  add(
    'post',
    '/v1/execution-tokens/redeem',
    { limit: 'redemption', summary: 'Use a token, once, for exactly its action', body: redeemSchema },
    async (c) => {
      const { token, holder_proof: holderProof, action } = await readBody(c, redeemSchema);
      return c.json(await redeem(c.get('caller'), { token, holderProof, action }));
    },
  );
  add(
    'post',
    '/v1/executions/outcome',
    { limit: 'submission', summary: 'Say how an execution ended', body: outcomeSchema },
    async (c) => {
      const { request, outcome, reason_code: code } = await readBody(c, outcomeSchema);
      return c.json(await executions.outcome(c.get('caller'), request, outcome, code));
    },
  );
  add(
    'get',
    '/v1/requests/:id/evidence',
    { limit: 'reading', summary: 'Evidence, for the executor that proves it itself', params: idParams },
    async (c) => c.json(await executions.evidence(c.get('caller'), idOf(c))),
  );
}

/** Routes of this part. */
export function addApprovers(add: Add, { desk }: Gateway): void {
  add('get', '/v1/awaiting', { limit: 'reading', summary: 'What awaits the caller' }, async (c) =>
    c.json(await desk.awaiting(c.get('caller'))),
  );
  add(
    'get',
    '/v1/requests/:id',
    { limit: 'reading', summary: 'A request, as its signer sees it', params: idParams },
    async (c) => c.json(await desk.read(c.get('caller'), idOf(c))),
  );
  add(
    'post',
    '/v1/requests/:id/statements',
    { limit: 'submission', summary: 'Carry a signed statement', params: idParams, body: statementBodySchema },
    async (c) => c.json(await desk.carry(c.get('caller'), idOf(c), await readBody(c, statementBodySchema))),
  );
}
