import { z } from 'zod';
import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget, LeaseMark, MarkedAccess } from '../lease-book/target';
import { checkAnswer, listAnswer } from './messages';
import { send, type WebhookSettings } from './service';

/** Access that a service of somebody else gives, asked for by signed messages. The service keeps the id of each lease. */
export class WebhookTarget implements BookTarget {
  constructor(private readonly settings: WebhookSettings) {}

  nameOf(grant: CatalogGrant): string | undefined {
    return nameOfGrant(grant);
  }

  async refuse({ account, grant }: Access): Promise<string | undefined> {
    return (await this.#check(account, grant)).refused;
  }

  async holds({ account, grant }: Access): Promise<boolean> {
    return (await this.#check(account, grant)).held;
  }

  async give({ account, grant }: Access, { leaseId, expiresAtMs }: LeaseMark): Promise<void> {
    const expiresAt = new Date(expiresAtMs).toISOString();
    await send(this.settings, { type: 'access.give', leaseId, account, grant, expiresAt }, z.unknown());
  }

  async take({ account, grant }: Access, { leaseId }: LeaseMark): Promise<void> {
    await send(this.settings, { type: 'access.take', leaseId, account, grant }, z.unknown());
  }

  async holders(grants: readonly CatalogGrant[]): Promise<readonly Drift[]> {
    const held = await this.#list(grants);
    return held.map(({ account, grant }) => ({ account, grant: nameOfGrant(grant) }));
  }

  async marked(grants: readonly CatalogGrant[]): Promise<readonly MarkedAccess[]> {
    const held = await this.#list(grants);
    return held.flatMap(({ leaseId, account, grant }) =>
      leaseId === undefined ? [] : [{ leaseId, account, grant, grantName: nameOfGrant(grant) }],
    );
  }

  async close(): Promise<void> {}

  #check(account: string, grant: CatalogGrant) {
    return send(this.settings, { type: 'access.check', account, grant }, checkAnswer);
  }

  async #list(grants: readonly CatalogGrant[]) {
    if (grants.length === 0) return [];
    const asked = new Set(grants.map(nameOfGrant));
    const { access } = await send(this.settings, { type: 'access.list', grants }, listAnswer);
    // What was not asked about is none of our business, even if the service tells.
    return access.filter(({ grant }) => asked.has(nameOfGrant(grant)));
  }
}

/** Writes a grant as one text, the same for the same members in any order: `region=eu, team=payments`. */
export const nameOfGrant = (grant: CatalogGrant): string =>
  Object.entries(grant)
    .map((pair) => pair.map((text) => text.replace(/[\\,=]/g, '\\$&')).join('='))
    .sort()
    .join(', ');
