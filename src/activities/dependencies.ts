import type { Connector } from '../connectors/contract';
import type { Directory, Policy } from '../domain/ports';

/** The directory and policy of one moment. */
export interface Authority {
  readonly directory: Directory;
  readonly policy: Policy;
}

/** What activities need from the worker that runs them. */
export interface Dependencies {
  /** Today's directory and policy. Asked anew for each act, so that a change counts at once (TTA-6). */
  authority(): Promise<Authority>;
  connector(name: string): Connector | undefined;
  nowMs(): number;
}
