import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Drift } from '../../../src/connectors/contract';
import { SshAuthority } from '../../../src/ssh-ca/authority';
import { type SshGrant, SshGrants } from '../../../src/ssh-ca/grants';
import { termsOf } from '../../../src/ssh-ca/terms';
import { TestSshd } from './sshd';

/** A certificate is tried for this long after its end: a host must not take it again. */
const TRIED_AFTER_END_MS = 2_000;
/** A host turns new connections away when many are logging in. */
const AT_ONCE = 4;

interface Holder {
  readonly account: string;
  readonly grant: string;
  readonly expiresAtMs: number;
  /** The private key. Its certificate lies beside it. */
  readonly key: string;
}

/**
 * A real host with its authority. Everyone who may have a certificate has one signed as soon as possible, and tries it as long as it could
 * count. The host fetches the revocation list before each round.
 */
export class SshHost {
  readonly #holders = new Map<string, Holder>();
  readonly #authority: SshAuthority;
  readonly #key: { readonly file: string; readonly publicKey: string };

  private constructor(
    private readonly sshd: TestSshd,
    private readonly grants: SshGrants,
    private readonly names: readonly string[],
    connector: string,
  ) {
    this.#authority = new SshAuthority({ connector, ca: sshd.ca });
    this.#key = sshd.makeKey('holder');
  }

  /** @param url of the database that the gateway reads the grants from */
  static async start(names: readonly string[], url: string, connector: string): Promise<SshHost> {
    const sshd = await TestSshd.start(names);
    return new SshHost(sshd, new SshGrants({ url, connector }), names, connector);
  }

  /** Lists whom the host lets in. @throws Error if it says neither yes nor no */
  async holders(): Promise<readonly Drift[]> {
    for (const grant of await this.grants.given(this.names))
      if (!this.#holders.has(grant.leaseId)) await this.#sign(grant);
    this.sshd.revoke(await this.#authority.revocationList(await this.grants.revoked(), Date.now()));
    const held: Drift[] = [];
    const queue = [...this.#holders];
    const lane = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [leaseId, { account, grant, key, expiresAtMs }] = next;
        const askedAtMs = Date.now();
        if (await this.#letsIn(key)) held.push({ account, grant });
        else if (askedAtMs > expiresAtMs + TRIED_AFTER_END_MS) this.#forget(leaseId, key);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return held;
  }

  async stop(): Promise<void> {
    await this.grants.close();
    await this.sshd.stop();
  }

  async #letsIn(key: string): Promise<boolean> {
    const { exitCode, err } = await this.sshd.login(key, 'true');
    if (exitCode === 0) return true;
    if (err.includes('Permission denied')) return false;
    throw new Error(`the host neither let in nor refused: ${err}`);
  }

  async #sign({ leaseId, account, grant, grantName, expiresAtMs, isTaken }: SshGrant): Promise<void> {
    const terms = termsOf(grant, account);
    if (terms === undefined || isTaken || expiresAtMs <= Date.now()) return;
    const { publicKey } = this.#key;
    const certificate = await this.#authority.sign(
      publicKey.trim(),
      terms,
      { leaseId, expiresAtMs },
      Date.now(),
    );
    const key = path.join(this.sshd.dir, `holder-${leaseId}`);
    copyFileSync(this.#key.file, key);
    writeFileSync(`${key}-cert.pub`, `${certificate}\n`);
    this.#holders.set(leaseId, { account, grant: grantName, key, expiresAtMs });
  }

  #forget(leaseId: string, key: string): void {
    this.#holders.delete(leaseId);
    for (const file of [key, `${key}-cert.pub`]) rmSync(file, { force: true });
  }
}
