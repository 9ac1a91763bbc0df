import { EXECUTION_KIND } from '../contracts/names';
import type { AccessRequest, Entitlement } from '../domain/request';
import { entitlementName } from '../domain/request';
import type { ConnectorDeclaration } from './bundle';
import type { CatalogData, WEAKENING_EFFECTS } from './catalog-file';

/** What an entitlement would do to a control, by the catalog. */
export interface ControlEffect {
  readonly control: string;
  readonly effect: (typeof WEAKENING_EFFECTS)[number];
  readonly title: string;
  readonly safeWay: string;
}

/** An entitlement that can be asked for, with all that the catalog says of it. */
export interface CatalogEntry {
  readonly entitlement: Entitlement;
  readonly title: string;
  readonly owners: string;
  readonly tags: readonly string[];
  readonly guardedBy: readonly string[];
  readonly privileged: boolean;
  /** Whether it is access that is given, or an exact action that is let through once. */
  readonly kind: AccessRequest['kind'];
  /** What a connector gives; empty where nothing is ever granted. */
  readonly grant: Readonly<Record<string, string>>;
  readonly weakens?: ControlEffect;
}

/** The parts of a resource's key, `connector:resource`. */
export function partsOfResourceKey(key: string): { readonly connector: string; readonly resource: string } {
  const colon = key.indexOf(':');
  return { connector: key.slice(0, colon), resource: key.slice(colon + 1) };
}

/** What exists and can be asked for. */
export class Catalog {
  readonly connectors: readonly ConnectorDeclaration[];
  readonly #entries: ReadonlyMap<string, CatalogEntry>;

  constructor(data: CatalogData) {
    this.connectors = Object.entries(data.connectors).map(([name, { kind }]) => ({
      name,
      kind,
      grants: entriesOf(data)
        .filter(({ entitlement }) => entitlement.connector === name)
        .map(({ grant }) => grant),
    }));
    this.#entries = new Map(
      entriesOf(data).map((entry) => [entitlementName(entry.entitlement), entry] as const),
    );
  }

  entry(entitlement: Entitlement): CatalogEntry | undefined {
    return this.#entries.get(entitlementName(entitlement));
  }

  entries(): readonly CatalogEntry[] {
    return [...this.#entries.values()];
  }
}

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
          data.connectors[partsOfResourceKey(key).connector]?.kind === EXECUTION_KIND
            ? 'execution'
            : 'access',
        grant: said.grant ?? {},
        ...(weakens && { weakens }),
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
