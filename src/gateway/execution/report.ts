import type { CountersignClient } from '../../client';
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

export interface Log {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/**
 * Puts what became of an execution on the record of its request, as the identity that keeps it. The ledger has it
 * already; where the workflow cannot be reached the log has it too, and nothing that was decided changes.
 */
export class Reporter {
  constructor(
    private readonly client: CountersignClient,
    private readonly keys: GatewayKeys,
    private readonly recorder: string,
    private readonly log: Log,
    private readonly nowMs: () => number,
  ) {}

  /** A refused use that no record has room for, or that names no request that could be believed. */
  logRefusal(about: Pick<Reported, 'outcome' | 'reporter' | 'reasonCode'>, requestId?: string): void {
    this.log.warn({ ...about, ...(requestId !== undefined && { request: requestId }) }, 'execution refused');
  }

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
      const verdict = await this.client.sendStatement(requestId, statement);
      if (!verdict.accepted)
        this.log.warn({ ...about, refusal: verdict.refusal?.code }, 'report was refused');
      return verdict.accepted;
    } catch {
      this.log.warn(about, 'the request could not be reached; the ledger has it');
      return false;
    }
  }
}
