import type { PushedRow, PushedStore } from '../../directory/sources/pushed/store';
import { demanded, type Filter, matches } from './filter';
import { decodeResource, type Values } from './resource';
import { locate, type ResourceKind } from './schema';
import { resourceOf } from './view';

export const MOST_RESULTS = 200;
/** Groups can be large, so fewer of them are read at once, and a page ends early. */
const BATCH = { User: 500, Group: 20 } as const;
const PAGE_BYTES = 8 * 1024 * 1024;

export interface Query {
  readonly filter: Filter | undefined;
  readonly startIndex: number;
  readonly count: number;
}

export interface Page {
  readonly resources: readonly Record<string, unknown>[];
  readonly total: number;
}

/** Lists and filters the resources of a source. What a filter demands of a name or an id is looked up; for the rest each resource is tried. */
export class Search {
  constructor(
    private readonly store: Pick<PushedStore, 'list' | 'count'>,
    private readonly baseUrl: string,
  ) {}

  async page(
    source: string,
    kinds: readonly ResourceKind[],
    { filter, startIndex, count }: Query,
  ): Promise<Page> {
    const resources: Record<string, unknown>[] = [];
    let total = 0;
    let bytes = 0;
    const isWanted = () => total >= startIndex - 1 && resources.length < count && bytes < PAGE_BYTES;
    for (const kind of kinds) {
      // Without a filter the database counts and skips.
      const size = filter === undefined ? await this.store.count(source, kind.kind) : undefined;
      const skipped = size === undefined ? 0 : Math.min(size, Math.max(0, startIndex - 1 - total));
      const end = total + (size ?? 0);
      total += skipped;
      for await (const row of this.#rows(source, kind, filter, skipped)) {
        if (size !== undefined && !isWanted()) break;
        const resource = resourceOf(kind, row, valuesIn(kind, row), this.baseUrl);
        if (filter !== undefined && !matches(filter, resource, (path) => isExact(kind, path))) continue;
        if (isWanted()) {
          resources.push(resource);
          bytes += row.content.length;
        }
        total += 1;
      }
      if (size !== undefined) total = end;
    }
    return { resources, total };
  }

  async *#rows(
    source: string,
    kind: ResourceKind,
    filter: Filter | undefined,
    from: number,
  ): AsyncGenerator<PushedRow> {
    const most = BATCH[kind.kind];
    const wanted = filter && {
      id: demanded(filter, 'id'),
      name: nameKey(demanded(filter, kind.nameAttribute)),
      externalId: demanded(filter, 'externalId'),
    };
    for (let offset = from; ; offset += most) {
      const rows = await this.store.list(source, kind.kind, wanted ?? {}, { offset, most });
      yield* rows;
      if (rows.length < most) return;
    }
  }
}

/** Returns a name as it is looked up: names are the same in small and capital letters. */
export const nameKey = <Name extends string | undefined>(name: Name): Name | string =>
  name === undefined ? name : name.normalize('NFC').toLowerCase();

/** Returns the content of a row. One that the gateway did not write may be anything, and is shown empty if it is not valid. */
export function valuesIn(kind: ResourceKind, { content }: Pick<PushedRow, 'content'>): Values {
  try {
    return decodeResource(kind, JSON.parse(content));
  } catch {
    return {};
  }
}

const isExact = (kind: ResourceKind, path: string): boolean => {
  const [head = '', sub] = path.split(/\.(?=[$\w-]+$)/);
  const attribute = locate(kind, head)?.attribute;
  if (sub === undefined) return attribute?.caseExact === true;
  return attribute?.sub?.find(({ name }) => name === sub)?.caseExact === true;
};
