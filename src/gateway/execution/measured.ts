import type { Recorder } from '../../telemetry/catalogue';
import { HttpProblem } from '../http/problem';
import type { ExecutionTokens } from './tokens';

/** Uses tokens, and counts what came of it. */
export function measuredRedemption(
  executions: ExecutionTokens,
  { record }: Recorder,
): ExecutionTokens['redeem'] {
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
