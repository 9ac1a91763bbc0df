import { describeIssues } from '../../contracts/problem';
import { HttpProblem } from '../http/problem';
import { type Decision, type Evaluation, type Evaluations, evaluationSchema } from './entities';

/**
 * Evaluates several items, each completed by the top-level defaults. An incomplete item is denied by itself. Without items, the
 * defaults are a single evaluation (AuthZEN "Access Evaluations API").
 */
export async function evaluateAll(
  { evaluations = [], options, ...defaults }: Evaluations,
  evaluate: (evaluation: Evaluation) => Promise<Decision>,
): Promise<Decision | { readonly evaluations: readonly Decision[] }> {
  if (evaluations.length === 0) {
    const single = evaluationSchema.safeParse(defaults);
    if (!single.success) throw new HttpProblem(400, describeIssues(single.error, 'body'));
    return evaluate(single.data);
  }
  const semantic = options?.evaluations_semantic ?? 'execute_all';
  const decisions: Decision[] = [];
  for (const item of evaluations) {
    const whole = evaluationSchema.safeParse({ ...defaults, ...item });
    const decision = whole.success
      ? await evaluate(whole.data)
      : incomplete(describeIssues(whole.error, 'evaluation'));
    decisions.push(decision);
    if (semantic === 'deny_on_first_deny' && !decision.decision) break;
    if (semantic === 'permit_on_first_permit' && decision.decision) break;
  }
  return { evaluations: decisions };
}

const incomplete = (message: string): Decision => ({
  decision: false,
  context: { error: { status: 400, message } },
});
