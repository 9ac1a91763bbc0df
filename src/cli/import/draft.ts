import { parseDuration } from '../../contracts/duration';
import { principalOf } from '../../directory/sources/principal-name';
import { LIMITS } from '../../domain/limits';
import { printable, UserError } from '../output';

export interface DraftGroup {
  readonly name: string;
  readonly title: string;
  readonly members: Set<string>;
}

export interface DraftEntitlement {
  readonly connector: string;
  readonly resource: string;
  readonly action: string;
  readonly title: string;
  readonly grant: Readonly<Record<string, string>>;
  /** Groups whose people approve. */
  readonly approvers: readonly DraftGroup[];
  readonly quorum: number;
}

interface DraftPermit {
  readonly group: DraftGroup;
  readonly entitlement: DraftEntitlement;
  readonly maxMs: number;
}

interface DraftForbid {
  readonly group: DraftGroup;
  readonly title: string;
  /** Absent: everything in the draft. */
  readonly entitlement?: DraftEntitlement;
}

/** How long a grant lasts at most where the source says nothing of it. */
const DEFAULT_MAX_MS = 3_600_000;
const MOST_PERMITS = 2_000;

/** One line that a title of a bundle can hold. */
const titled = (text: string): string => {
  const shown = [...printable(text)];
  return shown.length <= 150 ? shown.join('') : `${shown.slice(0, 149).join('')}…`;
};

/** Returns the duration that a source writes, as far as a grant can last, or undefined if it is none. */
export function boundedMs(text: string | undefined): number | undefined {
  const durationMs = text === undefined ? undefined : parseDuration(text);
  return durationMs === undefined || durationMs < 60_000 ? undefined : Math.min(durationMs, LIMITS.grantMs);
}

/** A bundle that is being drafted from what somebody else's access rules say. */
export class Draft {
  readonly connectors = new Map<string, { readonly kind: string; readonly title: string }>();
  readonly people = new Map<string, { readonly name: string; readonly accounts: Record<string, string> }>();
  readonly workloads = new Map<
    string,
    { readonly title: string; readonly accounts: Record<string, string> }
  >();
  readonly entitlements = new Map<string, DraftEntitlement>();
  readonly permits: DraftPermit[] = [];
  readonly forbids: DraftForbid[] = [];
  /** What somebody has to add before the bundle can be used. */
  readonly complete: string[] = [];
  readonly #groups = new Map<string, DraftGroup>();
  readonly #names = new Map<string, string>();
  readonly #foreign = new Map<string, string>();

  groups(): readonly DraftGroup[] {
    return [...this.#groups.values()];
  }

  /** Returns the group that stands for something of the source, always the same one. */
  group(of: string, wanted: string, title: string): DraftGroup {
    const known = this.#groups.get(of);
    if (known !== undefined) return known;
    const group = {
      name: this.#free('group', slug(wanted)),
      title: titled(title),
      members: new Set<string>(),
    };
    this.#groups.set(of, group);
    return group;
  }

  connector(name: string, kind: string, title: string): string {
    if (!this.connectors.has(name)) this.connectors.set(name, { kind, title: titled(title) });
    return name;
  }

  /** Returns the name of a connector that stands for something of the source, such as the databases with a label. */
  connectorOf(of: string, wanted: string, kind: string, title: string): string {
    return this.connector(this.#name(`connector ${kind}`, of, slug(wanted)), kind, title);
  }

  /** Returns the id of a person, or undefined if their name cannot be one or is that of somebody else already. */
  person(foreignId: string): string | undefined {
    const id = principalOf(foreignId);
    if (id === undefined) return undefined;
    const taken = this.#foreign.get(id);
    if (taken !== undefined && taken !== foreignId) return undefined;
    this.#foreign.set(id, foreignId);
    if (!this.people.has(id)) this.people.set(id, { name: titled(foreignId), accounts: {} });
    return id;
  }

  /** Returns the id of an identity that is not a person. */
  workload(foreignId: string, title: string): string {
    const id = `service/${this.#name(
      'service',
      foreignId,
      slug(foreignId)
        .toLowerCase()
        .replace(/[^a-z0-9._-]/g, '-')
        .slice(0, 50),
    )}`;
    if (!this.workloads.has(id)) this.workloads.set(id, { title: titled(title), accounts: {} });
    return id;
  }

  /** Returns an entitlement; its resource gets a name that no other thing of the source has. */
  entitle(
    of: string,
    { resource, ...rest }: Omit<DraftEntitlement, 'title'> & { title: string },
  ): DraftEntitlement {
    const known = this.entitlements.get(of);
    if (known !== undefined) return known;
    const named = this.#name(`resource ${rest.connector}`, of, slug(resource).replace(/[^\w./-]/g, '-'));
    const entitlement = { ...rest, resource: named, title: titled(rest.title) };
    this.entitlements.set(of, entitlement);
    return entitlement;
  }

  permit(group: DraftGroup, entitlement: DraftEntitlement, maxMs: number = DEFAULT_MAX_MS): void {
    if (this.permits.some((one) => one.group === group && one.entitlement === entitlement)) return;
    if (this.permits.length >= MOST_PERMITS)
      throw new UserError(
        `the source gives more than ${MOST_PERMITS} rights; import it in parts`,
        1,
        'TOO_LARGE',
      );
    this.permits.push({ group, entitlement, maxMs });
  }

  forbid(group: DraftGroup, title: string, entitlement?: DraftEntitlement): void {
    this.forbids.push({ group, title: titled(title), ...(entitlement && { entitlement }) });
  }

  #name(space: string, of: string, wanted: string): string {
    const key = `${space}\n${of}`;
    const name = this.#names.get(key) ?? this.#free(space, wanted);
    this.#names.set(key, name);
    return name;
  }

  /** Returns the wanted name, or one with a number after it if something else has it. */
  #free(space: string, wanted: string): string {
    const isTaken = (name: string) => this.#names.has(`${space} name\n${name}`);
    let name = wanted;
    for (let count = 2; isTaken(name); count += 1) name = `${wanted}-${count}`;
    this.#names.set(`${space} name\n${name}`, name);
    return name;
  }
}

/** A name of the source as an identifier of a bundle. */
const slug = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._/-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[-/]+$/g, '')
    .slice(0, 64) || 'unnamed';
