import { z } from 'zod';
import type { ExecutionParameters } from '../domain/request';

/** What a migration is: statements, each by itself, in order. */
export const migrationSchema = z.strictObject({
  statements: z.array(z.string().min(1).max(32_768)).min(1).max(100),
});

/** Statements by which a text would leave the transaction it runs in, or the role it runs as. */
const NOT_OURS_TO_RUN =
  /^(begin|start|commit|end|abort|rollback|savepoint|release|prepare\s+transaction|set\s+(session|local)?\s*(role|session\s+authorization)|set\s+transaction|reset|discard|listen|copy|load|vacuum|lock\s+table\s+countersign)\b/i;

export type ReadMigration =
  | { readonly ok: true; readonly statements: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/** Reads the statements of a migration out of the action that was approved, and out of nothing else. */
export function readMigration(parameters: ExecutionParameters | undefined): ReadMigration {
  const parsed = migrationSchema.safeParse(parameters?.arguments);
  if (!parsed.success) return { ok: false, detail: 'a migration has "statements" and nothing else' };
  const foreign = parsed.data.statements.find((text) => NOT_OURS_TO_RUN.test(withoutComments(text)));
  if (foreign !== undefined)
    return {
      ok: false,
      detail: 'a migration may not end its transaction or change its role; leave that to the executor',
    };
  return { ok: true, statements: parsed.data.statements };
}

/** A statement as the database begins to read it: comments nest in PostgreSQL. */
function withoutComments(text: string): string {
  let rest = text.trimStart();
  for (;;) {
    if (rest.startsWith('--')) {
      const end = rest.indexOf('\n');
      rest = end === -1 ? '' : rest.slice(end + 1).trimStart();
    } else if (rest.startsWith('/*')) {
      let depth = 0;
      let at = 0;
      do {
        if (rest.startsWith('/*', at)) {
          depth += 1;
          at += 2;
        } else if (rest.startsWith('*/', at)) {
          depth -= 1;
          at += 2;
        } else at += 1;
      } while (depth > 0 && at < rest.length);
      rest = rest.slice(at).trimStart();
    } else if (rest.startsWith(';')) rest = rest.slice(1).trimStart();
    else return rest;
  }
}
