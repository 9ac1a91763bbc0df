import type { Connector } from '../connectors/contract';
import type { Ledger } from '../domain/precedents';
import type { RememberingAuthority } from '../policy/authority';

/** What activities need from the worker that runs them. */
export interface Dependencies {
  /** Today's directory and policy. Called for each act, so that a change counts at once (TTA-6). */
  authority(): Promise<RememberingAuthority>;
  connector(name: string): Connector | undefined;
  readonly ledger: Ledger;
  nowMs(): number;
}
