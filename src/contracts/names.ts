/** Names that other programs rely on: message names, ids, search attributes. Free of libraries, for the workflow too. */

export const WORKFLOW_TYPE = 'accessRequest';
export const DENIAL_WORKFLOW_TYPE = 'denialReport';
export const TASK_QUEUE = 'countersign';
const WORKFLOW_ID_PREFIX = 'access-request/';

/** Kind of the connectors that let exact actions through, in place of giving access. */
export const EXECUTION_KIND = 'execution-token';

/** The workflow id of a request. */
export const workflowIdOf = (requestId: string): string => `${WORKFLOW_ID_PREFIX}${requestId}`;

/** The request id in a workflow id, or nothing where the workflow is not ours. */
export const requestIdOf = (workflowId: string): string | undefined =>
  workflowId.startsWith(WORKFLOW_ID_PREFIX) ? workflowId.slice(WORKFLOW_ID_PREFIX.length) : undefined;

/** Each verb is a signal too, by its own name. Signals and this update have one argument: the signed statement. */
export const SUBMIT_STATEMENT_UPDATE = 'submitStatement';
export const REQUEST_QUERY = 'request';
export const EVENTS_QUERY = 'events';

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
