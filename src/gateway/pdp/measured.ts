import type { Recorder } from '../../telemetry/catalogue';
import type { Caller } from '../auth/caller';
import type { DecisionPoint } from './decide';
import type { Decision, Evaluation } from './entities';

/** Evaluates, and counts what came of it. */
export function measuredEvaluation(decisions: DecisionPoint, { record }: Recorder) {
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
