import type { DirectoryBook } from '../directory/directory-book';
import type { Policy } from '../domain/ports';

/** A connector that the catalog names; where it lies and by which credentials is the worker's configuration. */
export interface ConnectorDeclaration {
  readonly name: string;
  readonly kind: string;
}

/** One valid version of the policy bundle. */
export interface Bundle {
  readonly directory: DirectoryBook;
  readonly policy: Policy;
  readonly connectors: readonly ConnectorDeclaration[];
}

/** Hands out the last good bundle; a bad one on disk is reported and does not replace it. */
export interface BundleSource {
  current(): Promise<Bundle>;
}

/** One thing wrong with a bundle: in which file, on which line, and what to do about it. */
export interface BundleProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}
