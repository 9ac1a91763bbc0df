import { z } from '@hono/zod-openapi';
import { newSubmissionSchema } from '../../contracts/request';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { askSchema } from '../requests/own';
import { type Add, idOf, idParams } from './adder';

/** For the document only: JSON of any depth, as an action's arguments are, cannot be written down there. */
const describedSubmission = z
  .object({
    request: z.record(z.string(), z.unknown()),
    proof: z.object({ format: z.literal('jws'), jws: z.string() }),
  })
  .openapi('SignedSubmission');

const describedAsk = z.record(z.string(), z.unknown()).openapi('Ask');

/** Routes of this part. */
export function addOwnRequests(add: Add, { own }: Gateway): void {
  add('get', '/v1/requestable', { limit: 'reading', summary: 'What the caller can ask for' }, async (c) =>
    c.json(await own.requestable(c.get('caller'))),
  );
  add(
    'post',
    '/v1/requests',
    {
      limit: 'submission',
      summary: 'Carry a request that the caller has signed itself',
      body: describedSubmission,
      status: [202],
    },
    async (c) => c.json(await own.carry(c.get('caller'), await readBody(c, newSubmissionSchema)), 202),
  );
  add(
    'post',
    '/v1/asks',
    {
      limit: 'submission',
      summary: 'Ask as the caller that the token names; the gateway attests who asked',
      body: describedAsk,
      status: [202],
    },
    async (c) => c.json(await own.ask(c.get('caller'), await readBody(c, askSchema)), 202),
  );
  add(
    'post',
    '/v1/requests/:id/end',
    { limit: 'reading', summary: 'Give back, or withdraw, a request of one’s own', params: idParams },
    async (c) => {
      const { accepted, refusal, status } = await own.end(c.get('caller'), idOf(c));
      return c.json({ accepted, ...(refusal && { refusal }), status });
    },
  );
}
