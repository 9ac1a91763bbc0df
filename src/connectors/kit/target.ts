import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Authorisation } from '../../domain/prove';
import type { AccessRequest } from '../../domain/request';
import type { CatalogGrant, Connector, LeaseRecord, ProvisionResult } from '../contract';
import type { ConnectorDefinition } from '../definition';
import { type AuthorisationOptions, authorise } from './authorise';

/** A connector with a target that the contract is tried on. Members that a kind of target cannot have are left out. */
export interface ConnectorUnderTest {
  readonly definition: ConnectorDefinition;
  connector(): Connector;
  /** An account of the target, free of access when a case begins. */
  readonly account: string;
  /** What the catalog would have the connector give. */
  readonly grant: CatalogGrant;
  /** How the connector's leases name that grant, for example the name of the role. */
  readonly grantName: string;
  /** Accounts and grants that the target does not have, and has to refuse. */
  readonly unknown: readonly { readonly account?: string; readonly grant?: CatalogGrant }[];
  /** Present if leases stand for access that the target holds. An execution is let through and leaves none behind. */
  readonly access?: {
    /** Asks the target itself, past the connector. */
    holds(): Promise<boolean>;
    /** Gives the access past the connector, and takes it away. */
    giveAside(): Promise<void>;
    takeAside(): Promise<void>;
  };
  /** Breaks what the connector is doing in the middle of `work`. */
  breakOff?(work: () => Promise<unknown>): Promise<void>;
  /** Makes the target unreachable without losing anything, and brings it back. */
  readonly outage?: { halt(): Promise<void>; restart(): Promise<void> };
}

/** Cases of the contract by the promise that each tries. */
export type Cases = Readonly<Record<string, (target: Target) => Promise<void>>>;

type About = Partial<AuthorisationOptions>;

/** Short words for what the cases do to the target. */
export class Target {
  readonly account: string;
  readonly grantName: string;

  constructor(readonly subject: ConnectorUnderTest) {
    this.account = subject.account;
    this.grantName = subject.grantName;
  }

  get connector(): Connector {
    return this.subject.connector();
  }

  proof(about: About = {}): Promise<Authorisation> {
    const { account, grant, definition } = this.subject;
    const kind: AccessRequest['kind'] = definition.gives;
    return authorise({ id: randomUUID(), account, grant, kind, ...about });
  }

  async give(about: About = {}): Promise<{ readonly id: string; readonly result: ProvisionResult }> {
    const id = about.id ?? randomUUID();
    return { id, result: await this.connector.provision(await this.proof({ ...about, id })) };
  }

  end(id: string) {
    return this.connector.revoke(id, 'revoked');
  }

  async record(id: string): Promise<LeaseRecord | undefined> {
    return (await this.connector.list()).leases.find((lease) => lease.id === id);
  }

  /** Checks that the target holds the access or does not, if there is such a thing. */
  async holds(expected: boolean): Promise<void> {
    const { access } = this.subject;
    if (access !== undefined) assert.equal(await access.holds(), expected, 'access on the target');
  }
}

/** Returns the code of a refusal, or what else became of a grant. */
export const codeOf = (result: ProvisionResult): string =>
  result.outcome === 'refused' ? result.refusal.code : result.outcome;
