/** How often one call is asked again after a refusal that asked nobody. */
const MOST_ATTEMPTS = 16;

/** Returns the ids of the requests by which one call may be asked, the first one first. */
export const attemptIds = (request: string): readonly string[] => [
  request,
  ...Array.from({ length: MOST_ATTEMPTS - 1 }, (_, index) => `${request}_${index + 2}`),
];
