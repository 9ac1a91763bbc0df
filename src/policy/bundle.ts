import type { DirectoryBook } from '../directory/directory-book';
import type { Assessment } from '../domain/assessment';
import type { Policy } from '../domain/ports';
import type { AskEntry, Precedents } from '../domain/precedents';
import type { AccessRequest } from '../domain/request';
import type { RerouteFacts, Statement } from '../domain/statement';

/** A connector that the catalog names; where it lies and by which credentials is the worker's configuration. */
export interface ConnectorDeclaration {
  readonly name: string;
  readonly kind: string;
  /** Everything that the catalog has it give. */
  readonly grants: readonly Readonly<Record<string, string>>[];
}

/** Policy as the files of a bundle have it. It remembers nothing: what went before is told to it. */
export interface BundlePolicy extends Policy {
  assess(request: AccessRequest, atMs: number, precedents?: Precedents): Assessment;
  rerouteFacts(
    statement: Statement,
    request: AccessRequest,
    atMs: number,
    precedents?: Precedents,
  ): Promise<RerouteFacts>;
  /** The request as it is put on record, with what decides which earlier ones bear on it. */
  entryOf(request: AccessRequest, atMs: number): AskEntry;
}

/** One valid version of the policy bundle. */
export interface Bundle {
  readonly directory: DirectoryBook;
  readonly policy: BundlePolicy;
  readonly connectors: readonly ConnectorDeclaration[];
  /** The text of every file, as it was read; evidence rests on it. */
  readonly files: ReadonlyMap<string, string>;
}

/** Hands out the last good bundle; a bad one on disk is reported and does not replace it. */
export interface BundleSource<Version extends Bundle = Bundle> {
  current(): Promise<Version>;
}
