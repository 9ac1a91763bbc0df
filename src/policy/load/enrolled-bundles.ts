import type { Logger } from '../../contracts/logger';
import { composeDirectory } from '../../directory/register/enrolled-directory';
import type { RowSource } from '../../directory/register/register';
import type { DecodedRow } from '../../directory/register/row';
import { rowSignatures } from '../../signing/enrolment';
import type { BundleSource } from '../bundle';
import type { LoadedBundle } from './load-bundle';

interface Judged {
  readonly from: LoadedBundle;
  readonly rows: readonly DecodedRow[];
  readonly made: Promise<LoadedBundle>;
}

/**
 * Returns a source whose bundles know the passkeys that are enrolled in a register. A bundle without rows in force is
 * returned unchanged. Each pair of bundle and register is checked once.
 */
export function withRegister(
  source: BundleSource<LoadedBundle>,
  register: RowSource,
  logger: Logger,
): BundleSource<LoadedBundle> {
  const holds = rowSignatures();
  let last: Judged | undefined;
  const compose = async (bundle: LoadedBundle, rows: readonly DecodedRow[]): Promise<LoadedBundle> => {
    if (rows.length === 0) return bundle;
    const { directory, rows: inForce } = await composeDirectory(bundle.file, rows, holds);
    logger.info(
      {
        directory: directory.digest,
        keys: directory.judged.keys.size,
        refused: directory.judged.refusals.size,
      },
      'register of enrolled keys judged',
    );
    return inForce.length === 0 ? bundle : bundle.over(directory, inForce);
  };
  return {
    current: async () => {
      const [from, rows] = [await source.current(), await register.current()];
      if (last === undefined || last.from !== from || last.rows !== rows)
        last = { from, rows, made: compose(from, rows) };
      return last.made;
    },
  };
}
