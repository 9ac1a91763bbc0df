import type { z } from 'zod';
import { LIMITS } from '../domain/limits';
import type { Submission } from '../domain/request';
import { isDeeperThan } from './depth';
import { type ClientErrorCode, CountersignError } from './error';
import { describeIssues } from './problem';
import { newSubmissionSchema } from './request';

/**
 * Decodes a value from outside with a schema.
 *
 * @throws CountersignError with `code`; its message says what is wrong and where in the subject
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, code: ClientErrorCode, subject: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new CountersignError(code, describeIssues(result.error, subject));
}

/**
 * Checks a submission by the rules for new requests.
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
