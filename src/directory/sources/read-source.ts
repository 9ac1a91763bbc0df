import { setTimeout as sleep } from 'node:timers/promises';
import { readKeycloak } from './read-keycloak';
import { readLdap } from './read-ldap';
import type { RawSnapshot } from './snapshot';
import { SOURCE_LIMITS, type SourceRules } from './sources-file';

/**
 * Reads a source by its own protocol, within the time that one may take.
 *
 * @throws Error of one line, without a secret
 */
export async function readSource(
  rules: SourceRules,
  withinMs: number = SOURCE_LIMITS.readMs,
): Promise<RawSnapshot> {
  const over = new AbortController();
  const tooLong = sleep(withinMs, undefined, { signal: over.signal, ref: false }).then(
    () => {
      over.abort();
      throw new Error(`it took longer than ${withinMs / 1_000} seconds`);
    },
    () => new Promise<never>(() => undefined),
  );
  try {
    const reading = rules.kind === 'ldap' ? readLdap(rules, over.signal) : readKeycloak(rules, over.signal);
    return await Promise.race([reading, tooLong]);
  } finally {
    over.abort();
  }
}
