/** What a reviewer can find about a grant that was made on the promise of a review (EMG-3). */
export const VERDICTS = ['justified', 'unjustified', 'needs-follow-up'] as const;
export type Verdict = (typeof VERDICTS)[number];
