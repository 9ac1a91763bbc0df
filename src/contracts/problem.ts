import type { z } from 'zod';

/** As much as evidence has room for in a refusal: a stranger's member name can be as long as the whole message. */
const LONGEST = 2_000;

/** One line that says what is wrong and where, for the first few of a decoder's findings. */
export function describeIssues(error: z.ZodError, subject: string): string {
  const lines = error.issues.slice(0, 3).map((issue) => {
    const where = issue.path.map(String).join('.');
    return `${where === '' ? subject : `${subject}.${where}`}: ${issue.message}`;
  });
  const more = error.issues.length > 3 ? `; and ${error.issues.length - 3} more` : '';
  // A member's name may hold half of a character, and so may what the limit cuts; no evidence may.
  const message = (lines.join('; ') + more).slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '');
  return message.replace(/\p{Surrogate}/gu, '\ufffd');
}
