import { z } from '@hono/zod-openapi';
import type { MetricsSink } from '../../telemetry/catalogue';
import type { Caller } from '../auth/caller';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import type { DecisionPoint } from '../pdp/decide';
import {
  actionSearchSchema,
  type Decision,
  decisionSchema,
  type Evaluation,
  evaluationSchema,
  evaluationsResponseSchema,
  evaluationsSchema,
  resourceSearchSchema,
  searchResponseSchema,
  subjectSearchSchema,
} from '../pdp/entities';
import { evaluateAll } from '../pdp/evaluations';
import type { Add } from './adder';

/** Adds evaluations and searches (AuthZEN Authorization API 1.0). */
export function addDecisions(add: Add, { decisions, searches, metrics }: Gateway): void {
  const evaluate = measuredEvaluation(decisions, metrics);
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

/** Evaluates, and measures how long it took and what was decided. */
function measuredEvaluation(decisions: DecisionPoint, { record }: MetricsSink) {
  return async (caller: Caller, evaluation: Evaluation): Promise<Decision> => {
    const begun = performance.now();
    const decision = await decisions.evaluate(caller, evaluation);
    record('countersign_evaluation_duration_seconds', (performance.now() - begun) / 1_000, {});
    record('countersign_evaluations_total', 1, { decision: kindOf(decision) });
    return decision;
  };
}

function kindOf({ decision, context }: Decision): 'permit' | 'requestable' | 'deny' {
  if (decision) return 'permit';
  return context !== undefined && 'access_request' in context ? 'requestable' : 'deny';
}
