import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { YamlFile } from '../../directory/yaml-file';
import { untilStill, versionOfFile } from './bundle-folder';

/** The source of tickets. A ticket that cannot be looked up counts as missing: the check fails closed. */
export interface TicketSource {
  exists(reference: string): Promise<boolean>;
}

const LARGEST_BYTES = 4 * 1024 * 1024;
/** The file that COUNTERSIGN_TICKETS names. */
export const ticketListSchema = z.array(z.string());

type Tickets =
  | { readonly ok: true; readonly tickets: ReadonlySet<string> }
  | { readonly ok: false; readonly why: string };

const NO_TICKETS: ReadonlySet<string> = new Set();

/** Tickets in a YAML or JSON file, which is read again when it changes. Without a file there are no tickets. */
export class FileTicketSource implements TicketSource {
  #known: { readonly mark: string | undefined; readonly tickets: ReadonlySet<string> } | undefined;
  #told: string | undefined;

  /** @param tell is told, once for each change, why the file cannot be read, so that no ticket counts */
  constructor(
    private readonly file: string | undefined,
    private readonly tell: (why: string) => void = () => undefined,
  ) {}

  async exists(reference: string): Promise<boolean> {
    const read = await this.#read();
    const why = read.ok ? undefined : read.why;
    if (why !== undefined && why !== this.#told) this.tell(why);
    this.#told = why;
    return read.ok && read.tickets.has(reference);
  }

  /** Returns why no ticket counts, or undefined if the file can be read or none is set. */
  async problem(): Promise<string | undefined> {
    const read = await this.#read();
    return read.ok ? undefined : read.why;
  }

  async #read(): Promise<Tickets> {
    const file = this.file;
    if (file === undefined) return { ok: true, tickets: NO_TICKETS };
    const bad = (why: string): Tickets => ({
      ok: false,
      why: `${file}: ${why}; until it is mended no ticket counts`,
    });
    try {
      const versionOf = () => versionOfFile(file);
      const { mark: now } = (await versionOf()) ?? {};
      if (now !== undefined && this.#known?.mark === now) return { ok: true, tickets: this.#known.tickets };
      // Half of a list would have half of a reference in its last line.
      await untilStill(versionOf);
      const mark = (await versionOf())?.mark;
      const { size } = await stat(file);
      if (size > LARGEST_BYTES) return bad(`is over ${LARGEST_BYTES} bytes`);
      const list = new YamlFile(file, await readFile(file, 'utf8')).decode(ticketListSchema);
      if (!list.ok) {
        const [first] = list.problems;
        return bad(`line ${first?.line}: ${first?.message ?? 'cannot be read'}`);
      }
      if (mark !== (await versionOf())?.mark) return bad('changes while it is read');
      const tickets = new Set(list.value);
      this.#known = { mark, tickets };
      return { ok: true, tickets };
    } catch {
      return bad('cannot be read');
    }
  }
}
