import type { RegisteredKey } from './directory-book';
import { type DirectoryData, principalsOf } from './directory-file';
import { readPublicKey } from './public-key';
import type { FileProblem, YamlFile } from './yaml-file';

/** A registered key with what decides whether it may still sign. */
export interface KeyRecord {
  readonly key: RegisteredKey;
  readonly revoked: boolean;
  readonly notAfterMs: number;
}

export interface ReadKeys {
  readonly keys: ReadonlyMap<string, KeyRecord>;
  readonly problems: readonly FileProblem[];
}

/** Every registered key by its thumbprint. A key that appears twice would leave open whose signature it makes. */
export function readKeys(file: YamlFile, data: DirectoryData): ReadKeys {
  const keys = new Map<string, KeyRecord>();
  const problems: FileProblem[] = [];
  for (const { id, section, entry } of principalsOf(data)) {
    for (const [index, registration] of entry.keys.entries()) {
      const path = [section, id, 'keys', index];
      const read = readPublicKey(registration.jwk);
      if (!read.ok) {
        problems.push(file.problem(path, `${read.message} (${id})`));
        continue;
      }
      const { keyId, publicJwk } = read;
      const earlier = keys.get(keyId)?.key.principal;
      if (earlier !== undefined) {
        problems.push(
          file.problem(
            path,
            `this key of ${id} is registered to ${earlier} already; every key has one holder`,
          ),
        );
        continue;
      }
      const { assurance, channel, revoked, notAfter } = registration;
      keys.set(keyId, {
        key: { keyId, principal: id, publicJwk, assurance, channel },
        revoked,
        notAfterMs: notAfter ?? Number.POSITIVE_INFINITY,
      });
    }
  }
  return { keys, problems };
}
