import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { ArchiveSink } from '../../audit/archive/sink';
import { type CountersignClient, CountersignError, type DomainEvent } from '../../client';
import type { Claim } from '../../verified/verify-request';
import { archiveOf } from '../audit/source';
import type { Context } from '../context';
import { UserError, usageError } from '../output';

/** How many requests are queried at once. A worker may have to load the history of each again. */
const AT_ONCE = 8;
/** No evidence of one request is larger. */
const LARGEST_FILE_BYTES = 64 * 1024 * 1024;

/** The recorded events of one request at a time, not yet checked. */
export type EventSource = AsyncGenerator<unknown>;

export interface ServerSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Requests on the server that are left out: no worker answered for them, or nobody signed what the server says of them. */
export interface LeftOut {
  unanswered: number;
  unproved: number;
}

/** Returns why a request does not count. Undefined if it does. */
export type Refuse = (claim: Claim) => Promise<string | undefined>;

/** Queries the events of the requests on the server, except those that are read from elsewhere, and those that do not count. */
export async function* eventsOnServer(
  client: CountersignClient,
  span: ServerSpan,
  isElsewhere: (id: string) => Promise<boolean>,
  refuse: Refuse,
  leftOut: LeftOut,
): EventSource {
  let batch: string[] = [];
  const answers = async function* () {
    const found = await Promise.all(
      batch.map(async (requestId) => ({ requestId, events: await eventsOf(client, requestId) })),
    );
    batch = [];
    for (const { requestId, events } of found) {
      if (events === undefined) leftOut.unanswered += 1;
      else if ((await refuse({ requestId, events })) !== undefined) leftOut.unproved += 1;
      else yield events;
    }
  };
  for await (const id of client.requestIds(span)) {
    if (await isElsewhere(id)) continue;
    batch.push(id);
    if (batch.length >= AT_ONCE) yield* answers();
  }
  yield* answers();
}

/** Nothing where no worker could answer for this one; without the server there is nothing to go on with. */
export async function eventsOf(
  client: CountersignClient,
  id: string,
): Promise<readonly DomainEvent[] | undefined> {
  try {
    return await client.events(id);
  } catch (error) {
    if (error instanceof CountersignError && error.code !== 'UNREACHABLE') return undefined;
    throw error;
  }
}

/** What figures need of a file of evidence; `audit verify` is what judges the whole of it. */
const evidenceSchema = z.object({
  format: z.literal('countersign-evidence'),
  steps: z.array(z.object({ events: z.array(z.object({ event: z.unknown() })) })),
});

/** Archived evidence, wherever it lies: `evidence/REQUEST/RUN.json`, one for each request that has closed. */
export class ArchivedEvents {
  #files: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

  constructor(private readonly sink: ArchiveSink) {}

  /** @throws UserError if the archive cannot be read */
  async check(): Promise<void> {
    await this.#filesOfAll();
  }

  async has(id: string): Promise<boolean> {
    return (await this.#filesOfAll()).has(id);
  }

  close(): Promise<void> {
    return this.sink.close();
  }

  /** A file that is no evidence yields nothing that counts, and is counted as unreadable. */
  async *events(): EventSource {
    for (const names of (await this.#filesOfAll()).values()) {
      let longest: readonly unknown[] | undefined;
      // A request that went on in another run has a file for each; the longest tells all.
      for (const name of names) {
        const events = eventsIn(await this.#read(name));
        if (events !== undefined && events.length >= (longest?.length ?? 0)) longest = events;
      }
      yield longest;
    }
  }

  #filesOfAll(): Promise<ReadonlyMap<string, readonly string[]>> {
    this.#files ??= this.#list();
    return this.#files;
  }

  async #list(): Promise<ReadonlyMap<string, readonly string[]>> {
    const files = new Map<string, string[]>();
    const names = await this.sink.list('evidence/').catch((error: unknown) => this.#fail(error));
    for (const name of names) {
      const [, id, run] = name.split('/');
      if (id === undefined || run?.endsWith('.json') !== true) continue;
      files.set(id, [...(files.get(id) ?? []), name]);
    }
    return files;
  }

  async #read(name: string): Promise<Buffer | undefined> {
    return this.sink.get(name).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): never {
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw new UserError(`the archive ${this.sink.place}: ${reason}`, 1, 'UNREACHABLE');
  }
}

/**
 * Opens the archive that `--archive` names, or that of the settings if it names none.
 *
 * @throws UserError if there is none
 */
export function archivedEvents(given: string | true, context: Context): ArchivedEvents {
  if (given !== true && /^postgres(ql)?:/.test(given))
    throw usageError('--archive: an address with a password is no argument; set COUNTERSIGN_ARCHIVE_FILE');
  const isFolder = given !== true && !given.startsWith('s3://');
  if (isFolder && !existsSync(path.join(given, 'evidence')))
    throw new UserError(`--archive: ${given} holds no folder "evidence"`);
  const sink = archiveOf(context, given === true ? undefined : given);
  if (sink === undefined) throw usageError('--archive: name one, or set COUNTERSIGN_ARCHIVE');
  return new ArchivedEvents(sink);
}

function eventsIn(content: Buffer | undefined): readonly unknown[] | undefined {
  try {
    if (content === undefined || content.length > LARGEST_FILE_BYTES) return undefined;
    const read = evidenceSchema.safeParse(JSON.parse(content.toString('utf8')));
    return read.success
      ? read.data.steps.flatMap((step) => step.events.map(({ event }) => event))
      : undefined;
  } catch {
    return undefined;
  }
}
