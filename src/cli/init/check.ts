import path from 'node:path';
import { explore, FileTicketSource, loadBundle, runBundleTests } from '../../policy';
import { UserError } from '../output';

/** What a bundle came to. */
export interface Checked {
  readonly policies: number;
  readonly entitlements: number;
  readonly cases: number;
}

/**
 * Checks a bundle as `policy check` does and runs its cases as `policy test` does.
 *
 * @throws UserError of one line that names the first problem
 */
export async function checkBundleIn(dir: string): Promise<Checked> {
  const loaded = await loadBundle(dir, new FileTicketSource(undefined));
  if (!loaded.ok) throw notGood(dir, loaded.problems);
  const { context, identities, unreachable } = loaded.bundle;
  const explored = explore(context, identities, Date.now());
  const wrong = [...explored.problems, ...unreachable, ...explored.unapprovable];
  if (wrong.length > 0) throw notGood(dir, wrong);
  const { passed, problems } = await runBundleTests(dir, context, Date.now());
  if (problems.length > 0) throw notGood(dir, problems);
  return {
    policies: context.engine.rules.size,
    entitlements: context.catalog.entries().length,
    cases: passed,
  };
}

const notGood = (
  dir: string,
  [first]: readonly { readonly file: string; readonly line: number; readonly message: string }[],
): UserError =>
  new UserError(
    `${path.basename(dir)}/${first?.file}:${first?.line}: ${first?.message} (countersign policy check)`,
    1,
    'BAD_BUNDLE',
  );
