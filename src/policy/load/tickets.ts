import { readFile, stat } from 'node:fs/promises';
import { YamlFile } from '../../directory/yaml-file';
import type { TicketAnswer, TicketDemands, TicketSource } from '../tickets/ticket';
import { ticketListSchema, ticketSystemSchema } from '../tickets/ticket-file';
import { HttpTicketSource } from '../tickets/ticket-system';
import { untilStill, versionOfFile } from './bundle-folder';

const LARGEST_BYTES = 4 * 1024 * 1024;

type Tickets =
  | { readonly ok: true; readonly source: TicketSource }
  | { readonly ok: false; readonly why: string };

/** Tickets that are only listed: that one is in the list is all there is to know of it. */
class ListedTickets implements TicketSource {
  constructor(private readonly tickets: ReadonlySet<string>) {}

  async check(reference: string, demands: TicketDemands): Promise<TicketAnswer> {
    if (!this.tickets.has(reference)) return { found: false };
    if (Object.keys(demands).length === 0) return { found: true };
    const why =
      'policy demands more of a ticket than that it is listed; name a ticket system in COUNTERSIGN_TICKETS';
    return { found: false, why };
  }
}

const NO_TICKETS = new ListedTickets(new Set());

/**
 * Tickets as the file says that COUNTERSIGN_TICKETS names: those that it lists, or those of the ticket system whose address it has. It is
 * read again when it changes. Without a file there are no tickets. A file that cannot be read has none either.
 */
export class FileTicketSource implements TicketSource {
  #known: { readonly mark: string | undefined; readonly source: TicketSource } | undefined;
  #told: string | undefined;

  /** @param tell is told, once for each change, why no ticket counts */
  constructor(
    private readonly file: string | undefined,
    private readonly tell: (why: string) => void = () => undefined,
  ) {}

  async check(reference: string, demands: TicketDemands = {}): Promise<TicketAnswer> {
    const read = await this.#readAndTell();
    if (read.ok) return read.source.check(reference, demands);
    return { found: false };
  }

  /** Reads the file, so that what is wrong with it is told now and not at the first ticket. */
  async open(): Promise<void> {
    await this.#readAndTell();
  }

  /** Returns why no ticket counts, or undefined if the file can be read or none is set. Asks no ticket system. */
  async problem(): Promise<string | undefined> {
    const read = await this.#read();
    return read.ok ? undefined : read.why;
  }

  /** Returns what the tickets are, and why none counts now. A ticket system is asked. */
  async examine(): Promise<{ readonly what: string; readonly problem?: string | undefined }> {
    const read = await this.#read();
    if (!read.ok) return { what: 'tickets', problem: read.why };
    if (!(read.source instanceof HttpTicketSource)) return { what: 'a list' };
    return { what: read.source.name, problem: await read.source.problem() };
  }

  async #readAndTell(): Promise<Tickets> {
    const read = await this.#read();
    const why = read.ok ? undefined : read.why;
    if (why !== undefined && why !== this.#told) this.tell(why);
    this.#told = why;
    return read;
  }

  async #read(): Promise<Tickets> {
    const file = this.file;
    if (file === undefined) return { ok: true, source: NO_TICKETS };
    const bad = (why: string): Tickets => ({
      ok: false,
      why: `${file}: ${why}; until it is mended no ticket counts`,
    });
    try {
      const versionOf = () => versionOfFile(file);
      const { mark: now } = (await versionOf()) ?? {};
      if (now !== undefined && this.#known?.mark === now) return { ok: true, source: this.#known.source };
      // Half of a list would have half of a reference in its last line.
      await untilStill(versionOf);
      const mark = (await versionOf())?.mark;
      const { size } = await stat(file);
      if (size > LARGEST_BYTES) return bad(`is over ${LARGEST_BYTES} bytes`);
      const decoded = this.#decode(new YamlFile(file, await readFile(file, 'utf8')));
      if (!decoded.ok) {
        const [first] = decoded.problems;
        return bad(`line ${first?.line}: ${first?.message ?? 'cannot be read'}`);
      }
      if (mark !== (await versionOf())?.mark) return bad('changes while it is read');
      this.#known = { mark, source: decoded.value };
      return { ok: true, source: decoded.value };
    } catch {
      return bad('cannot be read');
    }
  }

  #decode(yaml: YamlFile) {
    const content = yaml.content();
    if (typeof content === 'object' && content !== null && 'kind' in content) {
      const system = yaml.decode(ticketSystemSchema);
      return system.ok ? { ok: true as const, value: new HttpTicketSource(system.value, this.tell) } : system;
    }
    const list = yaml.decode(ticketListSchema);
    return list.ok ? { ok: true as const, value: new ListedTickets(new Set(list.value)) } : list;
  }
}
