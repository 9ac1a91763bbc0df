/**
 * Earlier versions shortened some lists of an assessment instead of refusing it. Evidence of that time holds the lists as
 * they were shortened, by these numbers.
 */
const SHORTENED_TO: Readonly<Record<string, number>> = {
  eligible: 64,
  reviewers: 64,
  precedents: 8,
  flags: 8,
};
const STAGE_GROUPS_SHORTENED_TO = 8;

/** Members that earlier versions did not record. They say more of a refusal, and change none. */
const ADDED: readonly string[] = ['remedy'];

/**
 * Returns `again` as it was recorded: with those lists shortened that an earlier version had shortened in `recorded`, without the members
 * that it did not know, and with the groups of a signer in the recorded order.
 */
export function shortenedAsRecorded(recorded: unknown, again: unknown): unknown {
  if (Array.isArray(recorded) && Array.isArray(again))
    return again.map((value: unknown, index) => shortenedAsRecorded(recorded[index], value));
  if (!isRecord(recorded) || !isRecord(again)) return again;
  const known = Object.entries(again).filter(([name]) => name in recorded || !ADDED.includes(name));
  return Object.fromEntries(
    known.map(([name, value]) => {
      const then = recorded[name];
      if (name === 'groups' && 'roles' in again && sameMembers(then, value)) return [name, then];
      const limit =
        name === 'groups' && 'substituteGroups' in again ? STAGE_GROUPS_SHORTENED_TO : SHORTENED_TO[name];
      const wasShortened =
        Array.isArray(then) && Array.isArray(value) && then.length === limit && value.length > limit;
      return [name, shortenedAsRecorded(then, wasShortened ? value.slice(0, limit) : value)];
    }),
  );
}

/**
 * Somebody's groups are a set. They are recorded in the order of the directory file, and evidence, as canonical JSON, holds the groups of
 * its excerpt by name.
 */
function sameMembers(then: unknown, again: unknown): boolean {
  if (!Array.isArray(then) || !Array.isArray(again)) return false;
  return JSON.stringify([...then].sort()) === JSON.stringify([...again].sort());
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
