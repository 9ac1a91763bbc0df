import type { RegisterRow } from '../contracts/enrolment';
import type { Directory } from '../directory/directory';
import type { Assessment } from '../domain/assessment';
import type { Policy } from '../domain/ports';
import type { AskEntry, Precedents } from '../domain/precedents';
import type { AccessRequest } from '../domain/request';
import type { RerouteCheck, Statement } from '../domain/statement';

/** A connector that the catalog names. Its address and credentials are in the worker's configuration. */
export interface ConnectorDeclaration {
  readonly name: string;
  readonly kind: string;
  /** Every grant that the catalog defines for it. */
  readonly grants: readonly Readonly<Record<string, string>>[];
}

/** The policy in the files of a bundle. It has no memory: the caller passes the precedents. */
export interface BundlePolicy extends Policy {
  assess(request: AccessRequest, atMs: number, precedents?: Precedents): Assessment;
  checkReroute(
    statement: Statement,
    request: AccessRequest,
    atMs: number,
    precedents?: Precedents,
  ): Promise<RerouteCheck>;
  /** Returns the record of a request, with what decides which earlier ones are relevant to it. */
  entryOf(request: AccessRequest, atMs: number): AskEntry;
}

/** One valid version of the policy bundle. */
export interface Bundle {
  readonly directory: Directory;
  readonly policy: BundlePolicy;
  readonly connectors: readonly ConnectorDeclaration[];
  /** The text of every file, which evidence needs. */
  readonly files: ReadonlyMap<string, string>;
  /** Rows of the register that are in force in this version of the directory. */
  readonly register: readonly RegisterRow[];
}

/** Returns the last good bundle. A bad one on disk is reported and does not replace it. */
export interface BundleSource<Version extends Bundle = Bundle> {
  current(): Promise<Version>;
}
