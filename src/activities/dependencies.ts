import type { Connector } from '../connectors/contract';
import type { Directory } from '../domain/ports';
import type { DenialReport, Ledger } from '../domain/precedents';
import type { Standing } from '../domain/principal';
import type { Result } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import type { RememberingPolicy } from '../policy/remembering';

/** Whether a registered key signed this report, and who its signer is. Judges nothing else. */
export interface DenialAuthority {
  authenticateDenial(
    envelope: SignedEnvelope,
    atMs: number,
  ): Promise<Result<{ readonly report: DenialReport; readonly reporter: Standing }>>;
}

/** The directory and policy of one moment. */
export interface Authority {
  readonly directory: Directory & DenialAuthority;
  readonly policy: RememberingPolicy;
}

/** What activities need from the worker that runs them. */
export interface Dependencies {
  /** Today's directory and policy. Asked anew for each act, so that a change counts at once (TTA-6). */
  authority(): Promise<Authority>;
  connector(name: string): Connector | undefined;
  readonly ledger: Ledger;
  nowMs(): number;
}
