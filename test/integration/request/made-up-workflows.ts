import { condition, defineQuery, setHandler } from '@temporalio/workflow';

export { becomeRequest } from './foreign-workflows';

/** Workflows of a stranger that say they are requests, and answer what they are told to. */

interface Answers {
  readonly events: unknown;
  readonly request: unknown;
}

/** Answers as a request would. It has the type of a request, on the stranger's own queue. */
export async function accessRequest(_submission: unknown, { events, request }: Answers): Promise<void> {
  setHandler(defineQuery('events'), () => events);
  setHandler(defineQuery('request'), () => request);
  await condition(() => false);
}

/** The same under another type, with the id of a request. */
export const notARequest = (submission: unknown, answers: Answers): Promise<void> =>
  accessRequest(submission, answers);
