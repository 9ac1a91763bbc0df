import { readFile, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** Where tickets live. A ticket that cannot be looked up does not exist: the check fails closed. */
export interface TicketSource {
  exists(reference: string): Promise<boolean>;
}

const LARGEST_BYTES = 4 * 1024 * 1024;
const ticketListSchema = z.array(z.string());

/** Tickets listed in a YAML or JSON file, read again when it changes. Without a file there are no tickets. */
export class FileTicketSource implements TicketSource {
  #known: { readonly version: string; readonly tickets: ReadonlySet<string> } | undefined;

  constructor(private readonly file: string | undefined) {}

  async exists(reference: string): Promise<boolean> {
    return (await this.#tickets()).has(reference);
  }

  async #tickets(): Promise<ReadonlySet<string>> {
    if (this.file === undefined) return new Set();
    try {
      const { mtimeMs, size } = await stat(this.file);
      const version = `${mtimeMs} ${size}`;
      if (this.#known?.version === version) return this.#known.tickets;
      if (size > LARGEST_BYTES) return new Set();
      const list = ticketListSchema.parse(parseDocument(await readFile(this.file, 'utf8')).toJS());
      const tickets = new Set(list);
      this.#known = { version, tickets };
      return tickets;
    } catch {
      return new Set();
    }
  }
}
