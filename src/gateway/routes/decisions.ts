import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import {
  actionSearchSchema,
  decisionSchema,
  evaluationSchema,
  evaluationsResponseSchema,
  evaluationsSchema,
  resourceSearchSchema,
  searchResponseSchema,
  subjectSearchSchema,
} from '../pdp/entities';
import { evaluateAll } from '../pdp/evaluations';
import type { Add } from './adder';

/** Routes of this part. */
export function addDecisions(add: Add, { evaluate, searches }: Gateway): void {
  add(
    'post',
    '/access/v1/evaluation',
    { limit: 'evaluation', summary: 'Access Evaluation', body: evaluationSchema, response: decisionSchema },
    async (c) => c.json(await evaluate(c.get('caller'), await readBody(c, evaluationSchema))),
  );
  add(
    'post',
    '/access/v1/evaluations',
    {
      limit: 'evaluation',
      summary: 'Access Evaluations',
      body: evaluationsSchema,
      response: z.union([evaluationsResponseSchema, decisionSchema]),
    },
    async (c) => {
      const caller = c.get('caller');
      return c.json(await evaluateAll(await readBody(c, evaluationsSchema), (one) => evaluate(caller, one)));
    },
  );
  const search = { limit: 'reading', response: searchResponseSchema } as const;
  add(
    'post',
    '/access/v1/search/subject',
    { ...search, summary: 'Subject Search', body: subjectSearchSchema },
    async (c) => c.json(await searches.subjects(c.get('caller'), await readBody(c, subjectSearchSchema))),
  );
  add(
    'post',
    '/access/v1/search/resource',
    { ...search, summary: 'Resource Search', body: resourceSearchSchema },
    async (c) => c.json(await searches.resources(c.get('caller'), await readBody(c, resourceSearchSchema))),
  );
  add(
    'post',
    '/access/v1/search/action',
    { ...search, summary: 'Action Search', body: actionSearchSchema },
    async (c) => c.json(await searches.actions(c.get('caller'), await readBody(c, actionSearchSchema))),
  );
}
