import type { LoadResult } from '../policy/load/load-bundle';
import { type CommandResult, failed } from './output';

export type Problems = Extract<LoadResult, { ok: false }>['problems'];

/** The result if a bundle is not valid, so that nothing can be decided by it. */
export function badBundle(dir: string, problems: Problems): CommandResult {
  const message = `${dir}: ${sayProblems(problems)} (countersign policy check)`;
  return failed({ code: codeOfProblems(problems), message }, { ok: false, problems });
}

/** The code of a bundle that is refused: of a packed one what is wrong with the pack. */
export const codeOfProblems = ([first]: Problems): string => first?.code ?? 'BAD_BUNDLE';

/** Says what is wrong with a bundle, in half a line. */
export function sayProblems([first, ...others]: Problems): string {
  const where = first === undefined ? 'not good' : `${first.file}:${first.line}: ${first.message}`;
  return others.length === 0 ? where : `${others.length + 1} problems, first ${where}`;
}
