import type { Client } from '@temporalio/client';
import type { Worker, WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** One of the two sides that are compared. Both are driven in the same way. */
export interface Side {
  readonly name: string;
  readonly bundle: WorkflowBundleWithSourceMap;
  readonly converterPath?: string;
  createWorker(debugMode?: boolean): Promise<Worker>;
  /** Prepares everything that must not be measured, such as signatures. */
  prepare(count: number): Promise<readonly Life[]>;
}

/** One request of a side: started, decided, granted. */
export interface Life {
  readonly id: string;
  readonly workflowId: string;
  start(client: Client): Promise<void>;
  decide(client: Client): Promise<void>;
  /** Resolves with the time of the grant. */
  granted(): Promise<number>;
}
