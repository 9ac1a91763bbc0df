import { LIMITS } from '../domain/limits';
import type { AccessRequest } from '../domain/request';

/**
 * Words of the requester's own that call for a closer look, with the bundle's reason for each. Whoever approves is shown
 * them; nothing is decided by them, for a requester who knows the list would only choose other words (APB-2).
 */
export function flagsOf(
  { reason, ticket, containment, rollback }: AccessRequest,
  scrutiny: ReadonlyMap<string, string>,
): readonly string[] {
  const said = [reason, ticket, containment, rollback].join('\n').normalize('NFKC').toLowerCase();
  return [...scrutiny]
    .filter(([words]) => said.includes(words.toLowerCase()))
    .map(([words, why]) => `"${words}": ${why}`)
    .slice(0, LIMITS.flags);
}
