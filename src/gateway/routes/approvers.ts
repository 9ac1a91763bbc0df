import { z } from '@hono/zod-openapi';
import { signedEnvelopeSchema } from '../../contracts/request';
import type { Gateway } from '../gateway';
import { decode, readBody } from '../http/body';
import { type Add, idOf, idParams } from './adder';
import { awaitingAnswer, concerningAnswer, requestAnswer, statementAnswer, viewAnswer } from './answers';

const concerningQuery = z.object({ of: z.enum(['awaiting', 'asked', 'held']).optional() });

/** Adds what approvers and governors use. */
export function addApprovers(add: Add, { approverRequests }: Gateway): void {
  add(
    'get',
    '/v1/awaiting',
    { limit: 'reading', summary: 'What awaits the caller', response: awaitingAnswer },
    async (c) => c.json(await approverRequests.awaiting(c.get('caller'))),
  );
  add(
    'get',
    '/v1/requests/:id',
    {
      limit: 'reading',
      summary: 'A request, as its signer sees it',
      params: idParams,
      response: requestAnswer,
    },
    async (c) => c.json(await approverRequests.read(c.get('caller'), idOf(c))),
  );
  add(
    'get',
    '/v1/requests/:id/view',
    {
      limit: 'reading',
      summary: 'All that is derived of a request, for programs',
      params: idParams,
      response: viewAnswer,
    },
    async (c) => c.json(await approverRequests.view(c.get('caller'), idOf(c))),
  );
  add(
    'get',
    '/v1/requests',
    {
      limit: 'reading',
      summary: 'Requests that concern the caller',
      query: concerningQuery,
      response: concerningAnswer,
    },
    async (c) => {
      const { of } = decode(c.req.query(), concerningQuery, 'query');
      return c.json(await approverRequests.concerning(c.get('caller'), of));
    },
  );
  add(
    'post',
    '/v1/requests/:id/statements',
    {
      limit: 'submission',
      summary: 'Carry a signed statement',
      params: idParams,
      body: signedEnvelopeSchema,
      response: statementAnswer,
    },
    async (c) =>
      c.json(await approverRequests.carry(c.get('caller'), idOf(c), await readBody(c, signedEnvelopeSchema))),
  );
}
