import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { webhookHeaders, webhookSecret } from '../../outbound/standard-webhooks';
import type { CatalogGrant, Connector } from '../contract';
import { type ContractCase, connectorContract } from '../kit/contract';
import { LeaseBookConnector } from '../lease-book/connector';
import { webhook } from './definition';
import { CONTRACT_VERSION, listAnswer } from './messages';
import { send, type WebhookSettings } from './service';
import { nameOfGrant, WebhookTarget } from './target';

export interface Trial {
  readonly settings: WebhookSettings;
  /** An account that the service knows and that holds nothing of the grant. */
  readonly account: string;
  readonly grant: CatalogGrant;
  /** Address of the PostgreSQL database that holds the lease book of this trial. */
  readonly leaseBook: string;
}

const STALE_MS = 10 * 60_000;

/**
 * Tries the contract of the kit on a service: what every connector promises, and that the service believes signatures only.
 * Returns the cases, which share the service and run one after the other, and the connector to close after them.
 */
export function trialOf({ settings, account, grant, leaseBook }: Trial): {
  readonly cases: readonly ContractCase[];
  readonly connector: Connector;
} {
  const target = new WebhookTarget(settings);
  const connector = new LeaseBookConnector({ name: `trial-${randomUUID()}`, target, url: leaseBook });
  const access = { account, grant, grantName: nameOfGrant(grant) };
  const contract = connectorContract({
    definition: webhook,
    connector: () => connector,
    account,
    grant,
    grantName: access.grantName,
    unknown: [{ account: `nobody-${randomUUID()}` }],
    access: {
      holds: () => target.holds(access),
      giveAside: () => target.give(access, markOf()),
      takeAside: async () => {
        for (const { leaseId, ...one } of await target.marked([grant]))
          if (one.account === account) await target.take(one, markOf(leaseId));
      },
    },
  });
  return { cases: [...contract, ...serviceCases(settings, access)], connector };
}

const markOf = (leaseId = `aside-${randomUUID()}`) => ({ leaseId, expiresAtMs: Date.now() + 60_000 });

/** What a service promises besides: it is asked the same twice, and it is asked by others. */
function serviceCases(
  settings: WebhookSettings,
  access: { readonly account: string; readonly grant: CatalogGrant },
): readonly ContractCase[] {
  const { account, grant } = access;
  const expiresAt = () => new Date(Date.now() + 60_000).toISOString();
  const give = (leaseId: string) =>
    send(settings, { type: 'access.give', leaseId, account, grant, expiresAt: expiresAt() }, z.unknown());
  const take = (leaseId: string) =>
    send(settings, { type: 'access.take', leaseId, account, grant }, z.unknown());
  const leases = async () =>
    (await send(settings, { type: 'access.list', grants: [grant] }, listAnswer)).access.flatMap(
      (one) => one.leaseId ?? [],
    );
  const refuses = (name: string, headers: (body: string) => Readonly<Record<string, string>>) => ({
    name: `the service answers 401 to ${name}, and does nothing`,
    run: async () => {
      const leaseId = randomUUID();
      const message = { type: 'access.give', leaseId, account, grant, expiresAt: expiresAt() };
      const body = JSON.stringify({ ...message, version: CONTRACT_VERSION });
      const { status } = await fetch(settings.url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers(body) },
      });
      assert.equal(status, 401);
      assert.ok(!(await leases()).includes(leaseId));
    },
  });
  const secret = webhookSecret(settings.secret);
  const id = () => `msg_${randomUUID()}`;
  return [
    {
      name: 'the service lists what it gave by the id of the lease; given twice it is there once, taken twice it is gone',
      run: async () => {
        const leaseId = randomUUID();
        for (const _ of [1, 2]) await give(leaseId);
        assert.deepEqual(
          (await leases()).filter((one) => one === leaseId),
          [leaseId],
        );
        for (const _ of [1, 2]) await take(leaseId);
        assert.ok(!(await leases()).includes(leaseId));
      },
    },
    refuses('a message without a signature', () => ({})),
    refuses('a message signed with another secret', (body) =>
      webhookHeaders(Buffer.from('another secret, of somebody else'), id(), body),
    ),
    refuses('the signature of another message', () => webhookHeaders(secret, id(), '{}')),
    refuses('a message that was signed ten minutes ago', (body) =>
      webhookHeaders(secret, id(), body, Date.now() - STALE_MS),
    ),
  ];
}
