import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { parseIdentity, stillRuns } from './process-identity';
import { fileOfRecord } from './stack-record';

const STATE_DIR = '.countersign';
/** `up` listens here and nowhere else. */
const onThisMachine = (address: string): boolean =>
  /^(?:[a-z]+:\/\/(?:[^/@]*@)?)?127\.0\.0\.1:\d+(?:\/|$)/.test(address);

const recordSchema = z.object({
  addresses: z.object({
    temporal: z.string().refine(onThisMachine),
    target: z.string().refine(onThisMachine),
    gateway: z.string().exactOptional(),
  }),
  bundleDir: z.string(),
  ticketsFile: z.string(),
  reachable: z.array(z.string()),
  processes: z.object({ countersign: z.unknown() }),
});

/** A stack of `countersign up` that runs on this machine. */
export interface RunningStack {
  readonly stateDir: string;
  readonly temporalAddress: string;
  readonly gatewayUrl?: string;
  /** The embedded target, without an account. */
  readonly targetUrl: string;
  readonly reachable: readonly string[];
  readonly bundleDir: string;
  readonly ticketsFile: string;
}

/** Finds the stack that runs on `.countersign` in a folder or in the nearest folder above that has one. */
export function findRunningStack(folder: string): RunningStack | undefined {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const stack = readRunningStack(path.join(at, STATE_DIR));
    if (stack !== undefined || at === path.dirname(at)) return stack;
  }
}

/**
 * Reads which stack runs on a state folder. Returns undefined if none does, and also if the record could be somebody else's: a
 * folder that came with a checkout, or that another user wrote, must not choose the server that we sign for. So folder
 * and record belong to this user alone, every address is on this machine, and the process that the record names runs.
 */
export function readRunningStack(stateDir: string): RunningStack | undefined {
  const file = fileOfRecord(stateDir);
  if (!isOurs(stateDir) || !isOurs(file)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  const record = recordSchema.safeParse(content);
  if (!record.success) return undefined;
  const { addresses, processes, ...rest } = record.data;
  const identity = parseIdentity(processes.countersign);
  if (identity === undefined || !stillRuns(identity)) return undefined;
  const target = new URL(addresses.target);
  target.username = '';
  return {
    ...rest,
    stateDir,
    temporalAddress: addresses.temporal,
    targetUrl: target.href,
    ...(addresses.gateway !== undefined && { gatewayUrl: addresses.gateway }),
  };
}

function isOurs(place: string): boolean {
  try {
    const { uid, mode } = statSync(place);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}
