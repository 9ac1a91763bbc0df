import { patched } from '@temporalio/workflow';

/**
 * Every change of the workflow code that runs begun earlier do not make. The ids on the right are recorded in histories:
 * never change or reuse one. A run that began before the change keeps the old behaviour to its end.
 */
const PATCHES = {
  /** A statement that ends the request is answered only when the target has recorded the end. Before: at once. */
  answersAfterBar: 'answers-after-bar',
  /** The run records ends of access that it did not order. Before: it ignored them. */
  recordsForeignEnds: 'hears-of-ends',
  /** The run asks the target itself before it believes the answer of a durable activity. Before: it believed the server. */
  confirmsDurableActs: 'believes-nobody',
  /** A log carried over from an earlier run is derived again before it is used. Before: it was taken as it came. */
  derivesCarriedLogs: 'derives-carried-logs',
  /** A passkey's claims with half of a character are unreadable, since no evidence can hold them. Before: they were verified. */
  refusesHalfCharacters: 'refuses-half-characters',
} as const;

/** Whether this run makes the change. The first call in a run that executes anew records its id in the history. */
export const isPatched = (change: keyof typeof PATCHES): boolean => patched(PATCHES[change]);
