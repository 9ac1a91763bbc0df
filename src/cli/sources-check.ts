import { SILENT_LOGGER } from '../contracts/logger';
import type { Environment } from '../contracts/settings';
import { PushedStore } from '../directory/sources/pushed/store';
import { SnapshotStore } from '../directory/sources/store';
import { registerAddress } from '../ledger';
import { type LoadedBundle, SnapshotVerifier } from '../policy';
import { sayDuration } from './duration';
import type { Finding } from './finding';

/** Says of each source how old its snapshot is, why it could not be read last, what is held, and when a provider pushed last. */
export async function checkSources(bundle: LoadedBundle, env: Environment): Promise<readonly Finding[]> {
  const { sources, connectors } = bundle;
  if (sources === undefined) return [];
  const url = registerAddress(connectors, env);
  const store = new SnapshotStore({ url, logger: SILENT_LOGGER });
  const pushed = new PushedStore({ url, maxConnections: 1 });
  try {
    const stored = await store.current();
    const failures = await store.failures();
    const heard = await pushed.heard();
    const counting = await new SnapshotVerifier(SILENT_LOGGER, Date.now).counting(bundle, sources, stored);
    const nowMs = Date.now();
    const all = [
      ...Object.entries(sources.sources).map(([name, { kind }]) => [name, kind] as const),
      ...Object.keys(sources.calendars).map((name) => [name, 'calendar'] as const),
    ];
    return all.map(([name, kind]): Finding => {
      const one = counting.find(({ snapshot }) => snapshot.source === name);
      const held = stored.find(({ snapshot }) => snapshot.source === name)?.held ?? [];
      const failure = failures.get(name);
      const calledAtMs = heard.get(name)?.atMs;
      const said = [
        one === undefined
          ? 'nothing of it counts; run countersign directory sync'
          : `read ${sayDuration(nowMs - one.readAtMs)} ago`,
        ...(one?.isStale ? ['away for too long, so its groups and roles count no more'] : []),
        ...(failure ? [`failed ${sayDuration(nowMs - failure.atMs)} ago: ${failure.problem}`] : []),
        ...(held.length > 0 ? [`${held.length} changes are held (countersign directory show)`] : []),
        ...(kind !== 'scim-server'
          ? []
          : [
              calledAtMs === undefined
                ? 'its identity provider never called'
                : `its identity provider called ${sayDuration(nowMs - calledAtMs)} ago`,
            ]),
      ];
      const ok = one !== undefined && !one.isStale && failure === undefined && held.length === 0;
      return { what: `source ${name}`, ok, detail: said.join('; ') };
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    return [{ what: 'sources', ok: false, detail: `their snapshots cannot be read: ${reason}` }];
  } finally {
    await Promise.all([store.close(), pushed.close()]);
  }
}
