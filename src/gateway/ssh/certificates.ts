import type { CountersignClient } from '../../client';
import type { Logger } from '../../contracts/logger';
import type { Authority } from '../../domain/ports';
import { plainKey, type SshAuthority } from '../../ssh-ca/authority';
import type { SshGrants } from '../../ssh-ca/grants';
import { nameOfGrant, termsOf } from '../../ssh-ca/terms';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import { sharedFor } from '../http/shared';
import { carrying } from '../requests/carrying';
import { proveRequest } from '../requests/evidence';

/** The certificate authority of one connector, and the leases that it may sign for. */
export interface SshConnector {
  readonly authority: SshAuthority;
  readonly grants: SshGrants;
}

export interface SshCertificatesOptions {
  readonly client: CountersignClient;
  /** By the name of the connector. */
  readonly connectors: ReadonlyMap<string, SshConnector>;
  readonly authority: () => Promise<Authority>;
  readonly log: Logger;
  readonly nowMs: () => number;
}

export interface SignedCertificate {
  readonly request: string;
  readonly certificate: string;
  readonly principals: readonly string[];
  readonly valid_until: string;
}

/** Hosts ask for the list at any time; it is made at most once in this time. */
const LIST_FOR_MS = 1_000;

/**
 * Signs certificates for granted requests. The worker's record says that the lease is alive, and the evidence has to prove the
 * request again: neither is enough alone.
 */
export class SshCertificates {
  readonly #lists: ReadonlyMap<string, () => Promise<Buffer>>;

  constructor(private readonly options: SshCertificatesOptions) {
    const { connectors, nowMs } = options;
    this.#lists = new Map(
      [...connectors].map(([name, { authority, grants }]) => [
        name,
        sharedFor(LIST_FOR_MS, async () => authority.revocationList(await grants.revoked(), nowMs())),
      ]),
    );
  }

  /** Signs the public key of the caller, whom a request gave access, until the end of its lease. */
  async sign(caller: Caller, requestId: string, publicKey: string): Promise<SignedCertificate> {
    const { client, nowMs, log } = this.options;
    const missing = new HttpProblem(404, 'there is no such grant for you');
    const { request } = await carrying(() => client.submissionOf(requestId), missing);
    const name = request.entitlement.connector;
    const connector = this.options.connectors.get(name);
    if (request.beneficiary !== caller.principal || connector === undefined) throw missing;
    const key = plainKey(publicKey);
    if (key === undefined)
      throw new HttpProblem(400, 'public_key has to be one line with an Ed25519 or ECDSA key of OpenSSH');
    const grant = await this.#available(name, () => connector.grants.find(requestId));
    if (grant === undefined)
      throw new HttpProblem(409, 'the access has not been given yet', { code: 'NOT_NOW' });
    if (grant.isTaken || grant.expiresAtMs <= nowMs())
      throw new HttpProblem(409, 'the access has ended', { code: 'LEASE_ENDED' });
    const binding = await this.#proved(requestId, grant.givenAtMs);
    const terms = termsOf(binding.grant, binding.account);
    if (
      terms === undefined ||
      binding.account !== grant.account ||
      nameOfGrant(binding.grant) !== grant.grantName
    )
      throw new HttpProblem(403, 'the catalog gives something else by now', { code: 'NOT_AUTHORISED' });
    const certificate = await this.#available(name, () =>
      connector.authority.sign(key, terms, grant, nowMs()),
    );
    log.info({ request: requestId, connector: name, principals: terms.principals }, 'SSH certificate signed');
    return {
      request: requestId,
      certificate,
      principals: terms.principals,
      valid_until: new Date(Math.floor(grant.expiresAtMs / 1_000) * 1_000).toISOString(),
    };
  }

  /** Returns the revocation list of a connector, as `RevokedKeys` takes it. */
  async revocationList(name: string): Promise<Buffer> {
    const list = this.#lists.get(name);
    if (list === undefined) throw unknownConnector();
    return this.#available(name, list);
  }

  /** Returns the public key of the authority of a connector. */
  async publicKey(name: string): Promise<string> {
    const connector = this.options.connectors.get(name);
    if (connector === undefined) throw unknownConnector();
    return this.#available(name, () => connector.authority.publicKey());
  }

  async close(): Promise<void> {
    await Promise.all([...this.options.connectors.values()].map(({ grants }) => grants.close()));
  }

  /** Proves the request as of the moment at which the worker gave the access, by today's directory and policy. */
  async #proved(requestId: string, atMs: number) {
    const { client, authority } = this.options;
    const proof = await carrying(async () => proveRequest(client, requestId, atMs, await authority()));
    if (!proof.ok) throw new HttpProblem(403, proof.refusal.detail, { code: proof.refusal.code });
    return proof.value.authorisation.terms.binding;
  }

  async #available<T>(connector: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.options.log.error({ connector, reason }, 'the SSH authority of a connector does not work');
      throw new HttpProblem(503, 'the authority of this connector is not available now; try again', {
        headers: { 'Retry-After': '2' },
      });
    }
  }
}

const unknownConnector = () => new HttpProblem(404, 'this gateway has no SSH authority of that name');
