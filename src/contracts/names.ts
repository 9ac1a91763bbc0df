/** Names that other programs rely on: message names, ids, search attributes. Free of libraries, for the workflow too. */

export const WORKFLOW_TYPE = 'accessRequest';
export const DENIAL_WORKFLOW_TYPE = 'denialReport';
export const TASK_QUEUE = 'countersign';
const WORKFLOW_ID_PREFIX = 'access-request/';

/** The workflow id of a request. */
export const workflowIdOf = (requestId: string): string => `${WORKFLOW_ID_PREFIX}${requestId}`;

/** Returns the request id in a workflow id; undefined if the workflow is not a request. */
export const requestIdOf = (workflowId: string): string | undefined =>
  workflowId.startsWith(WORKFLOW_ID_PREFIX) ? workflowId.slice(WORKFLOW_ID_PREFIX.length) : undefined;

/** Each verb is a signal too, by its own name. Signals and this update have one argument: the signed statement. */
export const SUBMIT_STATEMENT_UPDATE = 'submitStatement';
export const REQUEST_QUERY = 'request';
export const EVENTS_QUERY = 'events';

/** In `CountersignAwaiting`: not everyone who is awaited fits into the attribute, so a search has to ask the request itself. */
export const AWAITING_MORE = 'and-more';

export const SEARCH_ATTRIBUTES = {
  CountersignStatus: 'KEYWORD',
  CountersignRequester: 'KEYWORD',
  CountersignBeneficiary: 'KEYWORD',
  CountersignResource: 'KEYWORD',
  CountersignEntitlement: 'KEYWORD',
  CountersignReview: 'KEYWORD',
  CountersignAwaiting: 'KEYWORD_LIST',
  CountersignDeadline: 'DATETIME',
  CountersignExpiresAt: 'DATETIME',
  CountersignEmergency: 'BOOL',
} as const;
