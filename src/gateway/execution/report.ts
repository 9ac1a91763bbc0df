import type { CountersignClient } from '../../client';
import type { Logger } from '../../contracts/logger';
import type { ExecutionOutcome } from '../../domain/statement';
import { signStatement } from '../../signing/sign';
import type { GatewayKeys } from '../keys';

const LIFE_MS = 60 * 60_000;

export interface Reported {
  readonly requestId: string;
  readonly digest: string;
  readonly outcome: ExecutionOutcome;
  readonly reporter: string;
  readonly reasonCode?: string;
}

/**
 * Reports what became of an execution to its request, signed as the recorder. The token-use store has it already, so nothing is
 * lost if the workflow cannot be reached; the log has it too.
 */
export class Reporter {
  constructor(
    private readonly client: CountersignClient,
    private readonly keys: GatewayKeys,
    private readonly recorder: string,
    private readonly log: Logger,
    private readonly nowMs: () => number,
  ) {}

  /** Logs a refused use that goes on no record: it names no credible request, or the record has enough of them. */
  logRefusal(about: Pick<Reported, 'outcome' | 'reporter' | 'reasonCode'>, requestId?: string): void {
    this.log.warn({ ...about, ...(requestId !== undefined && { request: requestId }) }, 'execution refused');
  }

  /** Sends a signed report. Returns true if the request accepted it. */
  async report({ requestId, digest, outcome, reporter, reasonCode }: Reported): Promise<boolean> {
    const about = { request: requestId, outcome, reporter, ...(reasonCode !== undefined && { reasonCode }) };
    this.log.info(about, 'execution reported');
    try {
      const statement = await signStatement(
        {
          verb: 'report',
          request: requestId,
          digest,
          revision: 0,
          outcome,
          reporter,
          ...(reasonCode !== undefined && { reasonCode }),
        },
        this.recorder,
        this.keys.attestation,
        { nowMs: this.nowMs(), lifeMs: LIFE_MS },
      );
      const { accepted, refusal } = await this.client.sendStatement(requestId, statement);
      if (!accepted) this.log.warn({ ...about, refusal: refusal?.code }, 'report was refused');
      return accepted;
    } catch {
      this.log.warn(about, 'the request could not be reached; the outcome is in the token-use store');
      return false;
    }
  }
}
