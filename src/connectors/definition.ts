import type { z } from 'zod';
import type { Logger } from '../contracts/logger';
import type { AccessRequest } from '../domain/request';
import type { CatalogGrant, Connector } from './contract';
import type { Expected, TargetCheck } from './target-check';

/** How a command that `countersign run` starts reaches a target, as the account that was given access. */
export interface HolderEnvironment {
  /** An example of the address, for messages. */
  readonly example: string;
  /** Whether this kind of target lies at such an address. */
  readonly accepts: (address: URL) => boolean;
  /** Variables of the caller that could lead the command to another target. They are removed. */
  readonly replaces: readonly string[];
  /**
   * Returns the variables that lead the command to the target.
   *
   * @throws Error of one line, without the address, if the address is for another account
   */
  readonly variables: (address: URL, account: string) => Readonly<Record<string, string>>;
  /**
   * Present if the holder gets something besides an address. Returns more variables, whose names stand in `replaces`.
   *
   * @throws Error of one line if nothing can be got
   */
  readonly prepare?: (holder: Holder) => Promise<Readonly<Record<string, string>>>;
}

/** The holder of a grant who is about to run a command with it. */
export interface Holder {
  readonly address: URL;
  readonly account: string;
  /** A folder that only this user can read. It is deleted after the command. */
  readonly folder: string;
  /** Has a public key signed for as long as the grant lasts. Returns the certificate. */
  certificate(publicKey: string): Promise<string>;
}

/** What a connector finds around it, besides its own settings. */
export interface Surroundings {
  /** The connector's name in the catalog. */
  readonly name: string;
  /**
   * The address of the database that holds the lease book.
   *
   * @throws Error of one line, without the address, if no setting says where it is
   */
  readonly leaseBook: () => string;
  readonly log?: Logger | undefined;
}

/** Something that protects a target, and that nobody should be asked to weaken. */
export interface TargetControl {
  readonly name: string;
  readonly title: string;
  /** What somebody does instead of weakening it. */
  readonly safeWay: string;
}

/** All that the rest of the program knows about one kind of connector. `connectors/index.ts` lists the kinds. */
export interface ConnectorDefinition {
  /** The name of the kind in `catalog.yaml`. */
  readonly kind: string;
  /** What it does, in one line. */
  readonly title: string;
  /** Whether it gives access for a while, or lets exact actions through once. */
  readonly gives: AccessRequest['kind'];
  /** The settings of one connector. Each comes from `COUNTERSIGN_CONNECTOR_<NAME>_<SETTING>`, or from a file. */
  readonly settings: z.ZodObject;
  /** What the catalog says about one entitlement: `grant` in `catalog.yaml`. */
  readonly grant: z.ZodType<CatalogGrant>;
  /** What an account of the target can be called. Absent if any visible line can be one. */
  readonly account?: z.ZodType<string>;
  /** Whether leases are kept by the target itself, in the transaction that changes it, or beside it in the lease book. */
  readonly leases: 'in-target' | 'lease-book';
  /** More tables of ours that it keeps in the database of the lease book. */
  readonly ownTables?: readonly string[];
  /** What the target ends at the lease's end without the worker. */
  readonly endsByItself: { readonly access: boolean; readonly sessions: boolean };
  /**
   * What a holder can make on the target that outlives the access, and what becomes of it: found and told, or undone. Empty if a
   * holder can leave nothing behind.
   */
  readonly leavesBehind: readonly string[];
  /** What protects a target of this kind. `init` lists it in a new catalog; without it, what protects every target. */
  readonly controls?: readonly TargetControl[];
  /** True if its target is a PostgreSQL database, where the ledger can lie beside the leases. */
  readonly canHoldLedger: boolean;
  /**
   * Makes a connector from its settings, as read from the environment. Connects to nothing yet. Its code is loaded only now, so reading a definition stays cheap.
   *
   * @throws ZodError if the settings do not match the schema
   */
  readonly make: (settings: unknown, surroundings: Surroundings) => Promise<Connector>;
  /**
   * Tries on the target what the connector needs: reach, rights, names. Changes nothing there. What is wrong comes back as a
   * check that is not `ok`.
   *
   * @throws ZodError if the settings do not match the schema
   */
  readonly check: (settings: unknown, expected: Expected) => Promise<readonly TargetCheck[]>;
  /** The setting that names the connector's login. Absent if it stands in the address. */
  readonly loginSetting?: string;
  /** Returns what an administrator of the target runs to give the connector's login the least that it needs. */
  readonly setUp: (expected: Expected, login: string) => string;
  /** Present if a command that runs with the access needs to know where the target is. */
  readonly environment?: HolderEnvironment;
}

/** What a kind of connector says about itself, with the types of its own settings. */
export interface KindOf<Settings extends z.ZodObject>
  extends Omit<ConnectorDefinition, 'settings' | 'make' | 'check'> {
  readonly settings: Settings;
  readonly make: (settings: z.output<Settings>, surroundings: Surroundings) => Promise<Connector>;
  readonly check: (settings: z.output<Settings>, expected: Expected) => Promise<readonly TargetCheck[]>;
}

/** Makes a definition whose `make` and `check` take settings only if they match its own schema. */
export const defineConnector = <Settings extends z.ZodObject>(
  kind: KindOf<Settings>,
): ConnectorDefinition => ({
  ...kind,
  make: (settings, surroundings) => kind.make(kind.settings.parse(settings), surroundings),
  check: async (settings, expected) => kind.check(kind.settings.parse(settings), expected),
});
