import type { DatabaseOptions } from '../../database/database';
import { SshGrants } from '../../ssh-ca/grants';
import { nameOfGrant, termsOf } from '../../ssh-ca/terms';
import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget, LeaseMark, MarkedAccess } from '../lease-book/target';

/**
 * The right to have certificates signed. It lies in a table that the gateway reads before it signs and that its revocation list
 * is made of, so giving and taking change no host.
 */
export class SshCertificates implements BookTarget {
  readonly #grants: SshGrants;

  constructor(connector: string, database: DatabaseOptions) {
    this.#grants = new SshGrants({ ...database, connector });
  }

  nameOf(grant: CatalogGrant): string | undefined {
    return nameOfGrant(grant);
  }

  async refuse({ account, grant }: Access): Promise<string | undefined> {
    return termsOf(grant, account) === undefined
      ? `no certificate can be made for ${account}: the account cannot be a principal, or the grant is none`
      : undefined;
  }

  async holds({ account, grantName }: Access): Promise<boolean> {
    return (await this.#grants.given([grantName])).some((one) => one.account === account);
  }

  async give({ account, grant, grantName }: Access, { leaseId, expiresAtMs }: LeaseMark): Promise<void> {
    await this.#grants.give({ leaseId, account, grant, grantName, expiresAtMs });
  }

  async take(_: Access, { leaseId }: LeaseMark): Promise<void> {
    await this.#grants.take(leaseId);
  }

  async holders(grants: readonly CatalogGrant[]): Promise<readonly Drift[]> {
    return (await this.marked(grants)).map(({ account, grantName: grant }) => ({ account, grant }));
  }

  async marked(grants: readonly CatalogGrant[]): Promise<readonly MarkedAccess[]> {
    const byName = new Map(grants.map((grant) => [nameOfGrant(grant) ?? '', grant]));
    const given = await this.#grants.given([...byName.keys()]);
    return given.flatMap(({ leaseId, account, grantName }) => {
      const grant = byName.get(grantName);
      return grant === undefined ? [] : [{ leaseId, account, grantName, grant }];
    });
  }

  close(): Promise<void> {
    return this.#grants.close();
  }
}
