import { z } from 'zod';
import type { ExecutionParameters } from '../domain/request';

/** What a migration is: statements, each by itself, in order. */
export const migrationSchema = z.strictObject({
  statements: z.array(z.string().min(1).max(32_768)).min(1).max(100),
});

/**
 * Statements by which a text would plainly leave the transaction it runs in, or the role it runs as. This is so that such a
 * text is refused before anything is run; what hides the same from a reader (DO, functions) finds nothing to go back to,
 * because its login has no other rights (`MigrationSession`).
 */
const NOT_OURS_TO_RUN =
  /^(begin|start|commit|end|abort|rollback|savepoint|release|prepare|set|reset|discard|listen|copy|load|vacuum)\b/i;
/** A setting for the rest of the transaction is no harm, where it is not about who runs it. */
const SETTING =
  /^set\s+local\s+(?!role\b|session\b|session_authorization\b|transaction\b)[a-z_.]+(\s*=|\s+to\b)/i;

export type ReadMigration =
  | { readonly ok: true; readonly statements: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/** Reads the statements of a migration out of the action that was approved, and out of nothing else. */
export function readMigration(parameters: ExecutionParameters | undefined): ReadMigration {
  const parsed = migrationSchema.safeParse(parameters?.arguments);
  if (!parsed.success) return { ok: false, detail: 'a migration has "statements" and nothing else' };
  const foreign = parsed.data.statements.map(withoutComments).find(isForeign);
  if (foreign !== undefined)
    return {
      ok: false,
      detail: 'a migration may not end its transaction or change its role; leave that to the executor',
    };
  return { ok: true, statements: parsed.data.statements };
}

const isForeign = (text: string): boolean => NOT_OURS_TO_RUN.test(text) && !SETTING.test(text);

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
