import { setTimeout as sleep } from 'node:timers/promises';
import { readKeycloak } from './read-keycloak';
import { readLdap } from './read-ldap';
import type { RawSnapshot } from './snapshot';
import { type ScimServerRules, SOURCE_LIMITS, type SourceRules } from './sources-file';

/** Reads what was pushed into the gateway. */
export type ReadPushed = (rules: ScimServerRules) => Promise<RawSnapshot>;

const NOTHING_PUSHED: ReadPushed = async () => {
  throw new Error('it is pushed, and cannot be read from here');
};

/**
 * Reads a source by its own protocol, within the time that one may take.
 *
 * @throws Error of one line, without a secret
 */
export async function readSource(
  rules: SourceRules,
  readPushed: ReadPushed = NOTHING_PUSHED,
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
    return await Promise.race([begin(rules, readPushed, over.signal), tooLong]);
  } finally {
    over.abort();
  }
}

function begin(rules: SourceRules, readPushed: ReadPushed, signal: AbortSignal): Promise<RawSnapshot> {
  switch (rules.kind) {
    case 'ldap':
      return readLdap(rules, signal);
    case 'keycloak':
      return readKeycloak(rules, signal);
    case 'scim-server':
      return readPushed(rules);
  }
}
