import { createConnectors } from '../../connectors';
import type { KeptFinding } from '../../connectors/contract';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import { surroundingsOf } from '../../friction/surroundings';
import type { DriftSeen } from '../../friction/tally';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../policy';
import type { Context } from '../context';

/** What catalog and directory add to the events: teams, what is on offer, and whose an account is. */
export interface Known {
  readonly teamsOf: (id: PrincipalId) => readonly string[];
  readonly entitlements: readonly string[];
  readonly bundle: LoadedBundle;
}

/** The bundle, or nothing where it cannot be loaded; figures do without. */
export async function knownOf(
  { settings, announce }: Pick<Context, 'settings' | 'announce'>,
  nowMs: number,
): Promise<Known | undefined> {
  const dir = settings.COUNTERSIGN_BUNDLE;
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) {
    announce(`the policy bundle ${dir} cannot be used, so teams and what is on offer are not known`);
    return undefined;
  }
  const { bundle } = loaded;
  return { bundle, ...surroundingsOf(bundle, nowMs) };
}

/** Access without a request, as the reconciler has found it on each target. A target out of reach is announced. */
export async function* driftOn(
  { bundle }: Known,
  { env, announce }: Pick<Context, 'env' | 'announce'>,
): AsyncGenerator<DriftSeen> {
  for (const declaration of bundle.connectors) {
    try {
      const [connector] = (await createConnectors([declaration], env)).values();
      if (connector === undefined) continue;
      try {
        for (const found of (await connector.findings?.read()) ?? [])
          if (found.kind === 'drift') yield driftOf(found, declaration.name, bundle);
      } finally {
        await connector.close();
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      announce(`findings on ${declaration.name} are left out: ${reason}`);
    }
  }
}

function driftOf(
  found: KeptFinding,
  connector: string,
  { context, directory, principals }: LoadedBundle,
): DriftSeen {
  const { account, grant, firstAtMs, lastAtMs, times } = found;
  const identity = principals.find((id) => directory.identity(id)?.accounts[connector] === account);
  const entry = context.catalog
    .entries()
    .find(
      (one) =>
        one.entitlement.connector === connector && Object.values(one.grant).some((held) => held === grant),
    );
  return {
    connector,
    account,
    grant,
    firstAtMs,
    lastAtMs,
    times,
    ...(identity !== undefined && { identity }),
    ...(entry !== undefined && { entitlement: entitlementName(entry.entitlement) }),
  };
}
