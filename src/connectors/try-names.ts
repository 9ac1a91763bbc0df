import type { Expected, TargetCheck } from './target-check';

/** How a target whose grants and accounts can be looked up one by one is checked. */
export interface Lookups {
  /** Returns why the target cannot be used, or undefined. May throw instead. */
  readonly reach: () => Promise<string | undefined>;
  /** What a good answer means, for the check of reach. */
  readonly reached: string;
  readonly nameOf: (grant: Expected['grants'][number]) => string;
  /** Returns why a grant cannot be given to anybody, or undefined. */
  readonly grant: (grant: Expected['grants'][number]) => Promise<string | undefined>;
  /** Returns why an account can be given nothing, or undefined. */
  readonly account: (account: string) => Promise<string | undefined>;
}

/** Tries reach, and then every grant and every account. If the target cannot be reached, that is the only check. */
export async function tryNames(
  { reach, reached, nameOf, grant, account }: Lookups,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  const first = await tryOut('reach', reached, reach);
  if (!first.ok) return [first];
  const checks = [first];
  const different = new Map(grants.map((one) => [nameOf(one), one]));
  for (const [name, one] of different)
    checks.push(await tryOut(`grant ${name}`, 'can be given', () => grant(one)));
  for (const one of new Set(accounts))
    checks.push(await tryOut(`account ${one}`, 'is known', () => account(one)));
  return checks;
}

/** Returns the check of one thing. An error counts as the reason why it does not work. */
async function tryOut(
  what: string,
  fine: string,
  whyNot: () => Promise<string | undefined>,
): Promise<TargetCheck> {
  const why = await whyNot().catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  return { what, ok: why === undefined, detail: why ?? fine };
}
