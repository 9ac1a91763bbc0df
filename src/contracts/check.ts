import type { z } from 'zod';
import { LIMITS } from '../domain/limits';
import type { Submission } from '../domain/request';
import { isDeeperThan } from './depth';
import { type ClientErrorCode, CountersignError } from './error';
import { describeIssues } from './problem';
import { newSubmissionSchema } from './request';

/**
 * What a schema makes of a value from outside.
 *
 * @throws CountersignError with that code, which says what is wrong and where in the subject
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, code: ClientErrorCode, subject: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new CountersignError(code, describeIssues(result.error, subject));
}

/**
 * A submission as it may be made today.
 *
 * @throws CountersignError `INVALID_REQUEST`
 */
export function checkSubmission(submission: Submission): Submission {
  if (isDeeperThan(submission, LIMITS.requestLevels))
    throw new CountersignError(
      'INVALID_REQUEST',
      `submission: nested more than ${LIMITS.requestLevels} levels deep`,
    );
  return check(newSubmissionSchema, submission, 'INVALID_REQUEST', 'submission');
}
