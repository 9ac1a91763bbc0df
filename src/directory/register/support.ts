import type { Digest } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';

/** What a key rests on: rows of the register, and keys and people of the directory file. */
export interface Support {
  readonly rows: ReadonlySet<Digest>;
  readonly keyIds: ReadonlySet<string>;
  readonly principals: ReadonlySet<PrincipalId>;
}

export const supportBy = (parts: {
  readonly rows?: readonly Digest[];
  readonly keyIds?: readonly string[];
  readonly principals?: readonly PrincipalId[];
}): Support => ({
  rows: new Set(parts.rows),
  keyIds: new Set(parts.keyIds),
  principals: new Set(parts.principals),
});

/** What rests on all of `parts` rests on the parts of each. */
export const joined = (parts: readonly Support[]): Support => ({
  rows: new Set(parts.flatMap(({ rows }) => [...rows])),
  keyIds: new Set(parts.flatMap(({ keyIds }) => [...keyIds])),
  principals: new Set(parts.flatMap(({ principals }) => [...principals])),
});
