import { newSubmissionSchema } from '../../contracts/request';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { askSchema } from '../requests/own';
import { type Add, idOf, idParams } from './adder';
import { askBody, requestableAnswer, statementAnswer, submissionBody, submitted } from './answers';

/** Adds what a caller does with its own requests. */
export function addOwnRequests(add: Add, { ownRequests: own }: Gateway): void {
  add(
    'get',
    '/v1/requestable',
    { limit: 'reading', summary: 'What the caller can ask for', response: requestableAnswer },
    async (c) => c.json(await own.requestable(c.get('caller'))),
  );
  add(
    'post',
    '/v1/requests',
    {
      limit: 'submission',
      summary: 'Submit a request that the caller signed',
      body: submissionBody,
      response: submitted,
      status: [202],
    },
    async (c) => c.json(await own.carry(c.get('caller'), await readBody(c, newSubmissionSchema)), 202),
  );
  add(
    'post',
    '/v1/asks',
    {
      limit: 'submission',
      summary: 'Submit a request as the caller that the token names; the gateway attests who asked',
      body: askBody,
      response: submitted,
      status: [202],
    },
    async (c) => c.json(await own.ask(c.get('caller'), await readBody(c, askSchema)), 202),
  );
  add(
    'post',
    '/v1/requests/:id/end',
    {
      limit: 'reading',
      summary: 'Give back or withdraw the caller’s own request',
      params: idParams,
      response: statementAnswer,
    },
    async (c) => {
      const { accepted, refusal, status } = await own.end(c.get('caller'), idOf(c));
      return c.json({ accepted, ...(refusal && { refusal }), status });
    },
  );
}
