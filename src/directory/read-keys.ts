import type { PrincipalId } from '../domain/principal';
import type { RegisteredKey } from './directory';
import { type DirectoryData, type PrincipalData, principalsOf } from './directory-file';
import { passkeyProblem } from './passkey';
import { readPublicKey } from './public-key';
import type { FileProblem, ProblemPlace } from './yaml-file';

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
export function readKeys(file: ProblemPlace, data: DirectoryData): ReadKeys {
  const keys = new Map<string, KeyRecord>();
  const problems: FileProblem[] = [];
  for (const { id, section, entry } of principalsOf(data)) {
    for (const [index, registration] of entry.keys.entries()) {
      const path = [section, id, 'keys', index];
      const read = keyOf(id, registration);
      if (!read.ok) {
        problems.push(file.problem(path, `${read.message} (${id})`));
        continue;
      }
      const { key } = read;
      const earlier = keys.get(key.keyId)?.key.principal;
      if (earlier !== undefined) {
        problems.push(
          file.problem(
            path,
            `this key of ${id} is registered to ${earlier} already; every key has one holder`,
          ),
        );
        continue;
      }
      const { revoked, notAfter } = registration;
      keys.set(key.keyId, { key, revoked, notAfterMs: notAfter ?? Number.POSITIVE_INFINITY });
    }
  }
  return { keys, problems };
}

type ReadRegistration =
  | { readonly ok: true; readonly key: RegisteredKey }
  | { readonly ok: false; readonly message: string };

function keyOf(principal: PrincipalId, registration: PrincipalData['keys'][number]): ReadRegistration {
  if ('passkey' in registration) {
    const { passkey, channel } = registration;
    const message = passkeyProblem(passkey);
    if (message !== undefined) return { ok: false, message };
    const { credentialId: keyId, ...rest } = passkey;
    const assurance = 'phishing-resistant' as const;
    return { ok: true, key: { kind: 'passkey', keyId, principal, assurance, channel, ...rest } };
  }
  const { jwk, assurance, channel } = registration;
  const read = readPublicKey(jwk);
  if (!read.ok) return read;
  const { keyId, publicJwk } = read;
  return { ok: true, key: { kind: 'jwk', keyId, principal, publicJwk, assurance, channel } };
}
