import { z } from 'zod';
import type { ExecutionParameters } from '../domain/request';

/** The arguments of a migration: separate statements, in order. */
const migrationSchema = z.strictObject({
  statements: z.array(z.string().min(1).max(32_768)).min(1).max(100),
});

/**
 * Statements that would openly leave the transaction, or the role that the text runs as. The check exists so that such a
 * text is refused before anything runs. A text that hides them (DO, functions) gains nothing,
 * because its login has no other rights (`MigrationSession`).
 */
const NOT_OURS_TO_RUN =
  /^(begin|start|commit|end|abort|rollback|savepoint|release|prepare|set|reset|discard|listen|copy|load|vacuum)\b/i;
/** A setting for the rest of the transaction is harmless, unless it changes the role. */
const SETTING =
  /^set\s+local\s+(?!role\b|session\b|session_authorization\b|transaction\b)[a-z_.]+(\s*=|\s+to\b)/i;

export type ReadMigration =
  | { readonly ok: true; readonly statements: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/** Reads the statements of a migration from the approved action, and from nothing else. */
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

/** Returns the statement from its first word on. Comments nest in PostgreSQL. */
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
