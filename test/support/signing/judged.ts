import type { RegisterRow } from '../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../src/directory/file-directory';
import { composed } from './enrolment-world';

/** The code with which each row that does not count was refused, and whose keys count. */
export async function judgedOver(over: FileDirectory, rows: readonly RegisterRow[]) {
  const { directory, rows: inForce } = await composed(over, rows);
  const { judged: found } = directory;
  return {
    holders: [...found.keys.values()].map(({ key }) => key.principal).sort(),
    codes: [...found.refusals.values()].map(({ code }) => code).sort(),
    keyIds: [...found.keys.keys()].sort(),
    inForce,
    directory,
  };
}
/** What is to be seen of rows of which none counts. */
export const NOBODY = (...codes: readonly string[]) => ({ holders: [], codes });

/** The JWS of an envelope, or nothing if a passkey signed it. */
export const jwsOf = (envelope: { readonly format: string; readonly jws?: string }): string =>
  envelope.jws ?? '';
