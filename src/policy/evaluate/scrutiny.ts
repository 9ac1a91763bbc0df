import type { AccessRequest } from '../../domain/request';

/**
 * Returns words in the request that need a closer look, with the bundle's reason for each. Approvers see them. They decide
 * nothing, because a requester who knows the list would choose other words (APB-2).
 */
export function flagsOf(
  { reason, ticket, containment, rollback }: AccessRequest,
  scrutiny: ReadonlyMap<string, string>,
): readonly string[] {
  const said = [reason, ticket, containment, rollback].join('\n').normalize('NFKC').toLowerCase();
  return [...scrutiny]
    .filter(([words]) => said.includes(words.toLowerCase()))
    .map(([words, why]) => `"${words}": ${why}`);
}
