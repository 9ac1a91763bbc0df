import type { Client } from '@temporalio/client';

/** What is compared: three floors, and Countersign without a real target and with one. */
export const SIDE_NAMES = [
  'bare',
  'bare_local',
  'approval',
  'countersign',
  'countersign_postgresql',
] as const;
export type SideName = (typeof SIDE_NAMES)[number];

/** The client's half of a side: makes requests and sends what they need. Its worker runs in a process of its own. */
export interface Side {
  readonly name: SideName;
  readonly title: string;
  /** Prepares everything that must not be measured, such as signatures. */
  prepare(count: number): Promise<readonly Life[]>;
}

/** One request of a side: started, decided, granted. */
export interface Life {
  readonly id: string;
  readonly workflowId: string;
  start(client: Client): Promise<void>;
  decide(client: Client): Promise<void>;
}

/** What the client's process tells the process of a worker: which side's, and where everything is. */
export interface WorkerPlace {
  readonly side: SideName;
  readonly address: string;
  readonly stateDir: string;
  readonly bundleDir: string;
  /** File of the workflow code. */
  readonly workflowFile: string;
  /** A real PostgreSQL as target; without it, a target that does nothing. */
  readonly postgresUrl?: string;
  /** Keeps a ledger there too. It would stop one requester who asks for the same hundreds of times. */
  readonly withLedger?: boolean;
  /** Runs workflows in the main thread, whose heap can be measured. */
  readonly inThread: boolean;
  /** Notes when each activation and each activity began and ended. */
  readonly noteSpans?: boolean;
  /** Writes a CPU profile of each thread to this folder when the worker ends. */
  readonly profileDir?: string;
}

/** A part of one workflow's life in its worker, by the clock that all processes share. */
export interface Span {
  readonly workflowId: string;
  /** `activation`, the name of an activity, or what is timed inside of one. */
  readonly name: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

/** What the process of a worker tells the client's: that it polls, that a grant was made (by the shared clock), or what was asked for. */
export type WorkerNote =
  | { readonly kind: 'ready' }
  | { readonly kind: 'granted'; readonly id: string; readonly atMs: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'spans'; readonly spans: readonly Span[] };
