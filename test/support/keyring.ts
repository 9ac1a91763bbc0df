import type { Directory, RegisteredKey } from '../../src/directory/directory';
import type { PrincipalId, Standing } from '../../src/domain/principal';
import type { AccessRequest } from '../../src/domain/request';
import { generateKey, importSigningKey, type SigningKey } from '../../src/signing/keys';

/** A directory for one test, with real keys and a standing for each holder. */
export class Keyring implements Directory {
  readonly digest = 'sha-256:keyring';
  readonly #keys = new Map<string, RegisteredKey>();
  readonly #accounts = new Map<PrincipalId, Record<string, string>>();
  readonly #standings = new Map<PrincipalId, Standing>();

  /** Makes a key, registers it, and returns the key to sign with. */
  async enrol(id: PrincipalId, standing: Partial<Standing> = {}, channel = 'cli'): Promise<SigningKey> {
    const { keyId, publicJwk, privateJwkText } = await generateKey();
    const key = { keyId, principal: id, publicJwk, assurance: 'key', channel } as const;
    this.#keys.set(keyId, { kind: 'jwk', ...key });
    const kind = id.startsWith('person/') ? 'person' : 'agent';
    this.#standings.set(id, { id, kind, active: true, roles: [], groups: [], ...standing });
    return signingKey(privateJwkText);
  }

  /** Says which account somebody has in a channel. */
  account(id: PrincipalId, channel: string, account: string): void {
    this.#accounts.set(id, { [channel]: account });
  }

  /** Takes a key out of the directory, as a revocation does. */
  revoke(keyId: string): void {
    this.#keys.delete(keyId);
  }

  identity(id: PrincipalId) {
    return this.#standings.has(id) ? { id, accounts: this.#accounts.get(id) ?? {} } : undefined;
  }

  standingOf(id: PrincipalId) {
    return this.#standings.get(id);
  }

  keyById(keyId: string) {
    return this.#keys.get(keyId);
  }

  delegateOf() {
    return undefined;
  }

  holderOf(_attribute: string, _value: string): PrincipalId | undefined {
    return undefined;
  }

  membersOf(): readonly PrincipalId[] {
    return [];
  }
}

/** A key that nobody registered. */
export async function strangersKey(): Promise<SigningKey> {
  return signingKey((await generateKey()).privateJwkText);
}

async function signingKey(privateJwkText: string): Promise<SigningKey> {
  const imported = await importSigningKey(privateJwkText, 'test key');
  if (!imported.ok) throw new Error(imported.message);
  return imported.key;
}

/** Returns a valid request. */
export function sampleRequest(about: Partial<AccessRequest> = {}): AccessRequest {
  return {
    id: 'request-0001',
    kind: 'access',
    requester: 'agent/atlas',
    beneficiary: 'agent/atlas',
    entitlement: { connector: 'warehouse', resource: 'reporting', action: 'read' },
    durationMs: 60_000,
    emergency: false,
    reason: 'daily report',
    onBehalfOf: [],
    submittedAtMs: 1_700_000_000_000,
    ...about,
  };
}
