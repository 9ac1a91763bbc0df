import type { z } from 'zod';
import { didYouMean } from './nearest';

export interface DescribedIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * A decoder's finding in the words of the person who wrote the file: what is wrong, and what to do.
 *
 * @param knownAt returns the keys that are known at a place, so that a misspelt one can be told the right word
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  knownAt: (path: readonly PropertyKey[]) => readonly string[] = () => [],
): readonly DescribedIssue[] {
  const { path } = issue;
  const where = path.length === 0 ? 'the file' : `"${String(path.at(-1))}"`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `"${key}" is not known here; correct its name or remove it${didYouMean(key, knownAt(path))}`,
      }));
    case 'invalid_type':
      if (issue.input === undefined && path.length > 0)
        return [{ path, message: `${where} is missing; add it (${issue.expected})` }];
      return [{ path, message: `${where} has the wrong type; make it a ${issue.expected}` }];
    case 'invalid_value':
      return [
        {
          path,
          message: `${where} must be one of ${issue.values.map(String).join(', ')}${didYouMean(String(issue.input ?? ''), issue.values.map(String))}`,
        },
      ];
    case 'invalid_key':
      return [{ path, message: `${where} ${issue.issues[0]?.message ?? 'is not a valid name'}` }];
    case 'too_big':
      return [{ path, message: `${where} is over the limit of ${String(issue.maximum)}; make it smaller` }];
    case 'too_small':
      return [{ path, message: `${where} is under the minimum of ${String(issue.minimum)}; add to it` }];
    default:
      return [{ path, message: `${where} ${issue.message}` }];
  }
}
