import type { Account } from './account';
import type { Draft } from './draft';
import type { SourceFile, SourceNode } from './source';

/** Reads one kind of source into a draft, and accounts for what it says. Returns the values that it has to account for. */
export type Importer = (
  files: readonly SourceFile[],
  draft: Draft,
  account: Account,
) => readonly SourceNode[];
