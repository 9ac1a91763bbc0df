import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type CountersignClient, CountersignError } from '../../client';
import { UserError } from '../output';

/** How many requests are asked about at once; their histories may have to be read again by a worker. */
const AT_ONCE = 8;
/** No evidence of one request is larger. */
const LARGEST_FILE_BYTES = 64 * 1024 * 1024;

/** Recorded events, one request at a time, not yet judged. */
export type EventSource = AsyncGenerator<unknown>;

export interface ServerSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Requests that the server has and nobody could tell the events of. */
export interface Unanswered {
  count: number;
}

/** Events of requests as the server has them, except those that are read from elsewhere. */
export async function* eventsOnServer(
  client: CountersignClient,
  span: ServerSpan,
  isElsewhere: (id: string) => Promise<boolean>,
  unanswered: Unanswered,
): EventSource {
  let batch: string[] = [];
  const answers = async function* () {
    const found = await Promise.all(batch.map((id) => eventsOf(client, id)));
    batch = [];
    for (const events of found) {
      if (events === undefined) unanswered.count += 1;
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
export async function eventsOf(client: CountersignClient, id: string): Promise<unknown> {
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

/** An archive of evidence in a folder: `evidence/REQUEST/RUN.json`, one for each request that has closed. */
export class ArchiveFolder {
  readonly #root: string;

  constructor(dir: string) {
    this.#root = path.join(dir, 'evidence');
  }

  /** @throws UserError where there is no archive */
  async check(): Promise<void> {
    const found = await stat(this.#root).catch(() => undefined);
    if (found?.isDirectory() !== true)
      throw new UserError(`--archive: ${path.dirname(this.#root)} holds no folder "evidence"`);
  }

  async has(id: string): Promise<boolean> {
    return (await this.#filesOf(id)).length > 0;
  }

  /** A file that is no evidence yields nothing that counts, and is counted as unreadable. */
  async *events(): EventSource {
    const names = await readdir(this.#root, { withFileTypes: true });
    for (const { name } of names.filter((entry) => entry.isDirectory())) {
      let longest: readonly unknown[] | undefined;
      // A request that went on in another run has a file for each; the longest tells all.
      for (const file of await this.#filesOf(name)) {
        const events = await readEvents(path.join(this.#root, name, file));
        if (events !== undefined && events.length >= (longest?.length ?? 0)) longest = events;
      }
      yield longest;
    }
  }

  async #filesOf(id: string): Promise<readonly string[]> {
    if (path.basename(id) !== id) return [];
    const names = await readdir(path.join(this.#root, id)).catch(() => []);
    return names.filter((name) => name.endsWith('.json')).sort();
  }
}

async function readEvents(file: string): Promise<readonly unknown[] | undefined> {
  try {
    if ((await stat(file)).size > LARGEST_FILE_BYTES) return undefined;
    const read = evidenceSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return read.success
      ? read.data.steps.flatMap((step) => step.events.map(({ event }) => event))
      : undefined;
  } catch {
    return undefined;
  }
}
