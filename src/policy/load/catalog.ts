import { findDefinition } from '../../connectors/index';
import type { AccessRequest, Entitlement } from '../../domain/request';
import { entitlementName } from '../../domain/request';
import type { ConnectorDeclaration } from '../bundle';
import type { CatalogData, ToolMapping, WEAKENING_EFFECTS } from './catalog-file';

/** The effect of an entitlement on a control, by the catalog. */
export interface ControlEffect {
  readonly control: string;
  readonly effect: (typeof WEAKENING_EFFECTS)[number];
  readonly title: string;
  readonly safeWay: string;
}

/** An entitlement that can be requested, with its data in the catalog. */
export interface CatalogEntry {
  readonly entitlement: Entitlement;
  readonly title: string;
  readonly owners: string;
  readonly tags: readonly string[];
  readonly guardedBy: readonly string[];
  readonly privileged: boolean;
  /** Whether it is access, or an exact action that is permitted once. */
  readonly kind: AccessRequest['kind'];
  /** What a connector grants; empty if nothing is ever granted. */
  readonly grant: Readonly<Record<string, string>>;
  readonly weakens?: ControlEffect;
  /** Whether arguments of an action that its schema does not declare are refused, or shown to the approvers. */
  readonly undeclared: 'refuse' | 'show';
  /** What policies see of the resource; absent if nothing is said. */
  readonly properties?: Readonly<Record<string, string | boolean | number>>;
}

/** The parts of a resource's key, `connector:resource`. */
export function partsOfResourceKey(key: string): { readonly connector: string; readonly resource: string } {
  const colon = key.indexOf(':');
  return { connector: key.slice(0, colon), resource: key.slice(colon + 1) };
}

/** What may follow the beginning that a pattern names, in the name of a resource. */
const REST = /^[\w./-]{1,128}$/;

/** All resources and entitlements. */
export class Catalog {
  readonly connectors: readonly ConnectorDeclaration[];
  readonly #entries: ReadonlyMap<string, CatalogEntry>;
  readonly #resources: ReadonlySet<string>;
  /** Entries for every resource whose name begins alike, the longest beginning first. */
  readonly #patterns: readonly CatalogEntry[];
  readonly #tools: CatalogData['tools'];

  constructor(data: CatalogData) {
    this.#tools = data.tools;
    this.connectors = Object.entries(data.connectors).map(([name, { kind }]) => ({
      name,
      kind,
      grants: entriesOf(data)
        .filter(({ entitlement, weakens }) => entitlement.connector === name && weakens === undefined)
        .map(({ grant }) => grant),
    }));
    const all = entriesOf(data);
    const single = all.filter(({ entitlement }) => !isPattern(entitlement));
    this.#entries = new Map(single.map((entry) => [entitlementName(entry.entitlement), entry] as const));
    this.#resources = new Set(Object.keys(data.resources));
    this.#patterns = all
      .filter(({ entitlement }) => isPattern(entitlement))
      .sort((a, b) => b.entitlement.resource.length - a.entitlement.resource.length);
  }

  /**
   * Returns an entitlement on a resource that the catalog names, or else on one whose name begins as a pattern says: the one with the
   * longest beginning, whether or not it has the action. So what is said of fewer resources is never widened by what is said of more.
   */
  entry(entitlement: Entitlement): CatalogEntry | undefined {
    const { connector, resource, action } = entitlement;
    if (this.#resources.has(`${connector}:${resource}`))
      return this.#entries.get(entitlementName(entitlement));
    const matching = this.#patterns.filter(
      (entry) => entry.entitlement.connector === connector && begins(entry, resource),
    );
    const longest = matching[0]?.entitlement.resource;
    const entry = matching.find(
      (one) => one.entitlement.resource === longest && one.entitlement.action === action,
    );
    return entry && { ...entry, entitlement: { connector, resource, action } };
  }

  /** Returns what calling a tool of an MCP server is, or undefined if the tool is not mapped. */
  tool(server: string, tool: string): ToolMapping | undefined {
    const tools = Object.hasOwn(this.#tools, server) ? this.#tools[server] : undefined;
    return tools !== undefined && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  }

  /** Returns the names of the mapped tools, by server. */
  tools(): ReadonlyMap<string, readonly string[]> {
    return new Map(Object.entries(this.#tools).map(([server, tools]) => [server, Object.keys(tools)]));
  }

  /** Returns the entitlements on resources that the catalog names. Those that patterns stand for cannot be listed. */
  entries(): readonly CatalogEntry[] {
    return [...this.#entries.values()];
  }

  /** Returns what each pattern says, about one resource that it stands for. */
  examples(): readonly CatalogEntry[] {
    return this.#patterns.map((entry) => ({
      ...entry,
      entitlement: { ...entry.entitlement, resource: `${beginningOf(entry)}example` },
    }));
  }
}

const isPattern = ({ resource }: Entitlement): boolean => resource.endsWith('*');
const beginningOf = ({ entitlement }: CatalogEntry): string => entitlement.resource.slice(0, -1);
const begins = (entry: CatalogEntry, resource: string): boolean =>
  resource.startsWith(beginningOf(entry)) && REST.test(resource.slice(beginningOf(entry).length));

function entriesOf(data: CatalogData): readonly CatalogEntry[] {
  return Object.entries(data.resources).flatMap(([key, resource]) =>
    Object.entries(resource.actions).map(([action, said]) => {
      const weakens = controlEffectOf(data, said);
      return {
        entitlement: { ...partsOfResourceKey(key), action },
        title: said.title,
        owners: resource.owners,
        tags: resource.tags,
        guardedBy: resource.guardedBy,
        privileged: said.privileged,
        kind:
          findDefinition(data.connectors[partsOfResourceKey(key).connector]?.kind ?? '')?.gives ?? 'access',
        grant: said.grant ?? {},
        ...(weakens && { weakens }),
        undeclared: said.undeclared ?? 'refuse',
        ...(resource.properties && { properties: resource.properties }),
      };
    }),
  );
}

function controlEffectOf(
  data: CatalogData,
  { effect, control }: CatalogData['resources'][string]['actions'][string],
): ControlEffect | undefined {
  if (effect === undefined || control === undefined) return undefined;
  const known = data.controls[control];
  return known && { control, effect, ...known };
}
