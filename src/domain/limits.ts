/** The limits on everything a request can make us store or wait for. Each name ends in its unit. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const LIMITS = {
  /** One statement as sent, with its envelope. */
  statementBytes: 16 * 1024,
  /** One submission as sent, with its proof. */
  requestBytes: 64 * 1024,
  /** How deep a request may be nested. Evidence adds a few levels of its own. */
  requestLevels: 64,
  reasonCharacters: 2_000,
  commentCharacters: 2_000,
  identifierCharacters: 128,
  /** A name that somebody else gives, such as an account of a target. */
  foreignNameCharacters: 256,
  ticketCharacters: 64,
  /** One value that an enforcement point presents. */
  presentedCharacters: 512,
  onBehalfOfLinks: 8,
  /** Accepted statements of one request, over its whole life. */
  acceptedStatements: 64,
  /** How many of those are reserved for the verbs that only end or review, so that no flood can make a grant irrevocable. */
  closingStatements: 2,
  /** Refusals kept word for word. Further ones are only counted. */
  keptRefusals: 32,
  /** Statements waiting in the inbox of one request, by count and by size. High enough that a flood pushes none out. */
  inboxStatements: 2_048,
  inboxBytes: 4 * 1024 * 1024,
  /** Unreadable messages in that inbox. They never take the room of a statement. */
  inboxUnreadable: 64,
  /** Statements that are verified at a time. */
  batchStatements: 64,
  stages: 8,
  quorum: 8,
  /** People who may decide one stage, or review one grant. A bundle that names more is refused, never cut. */
  eligibleApprovers: 512,
  /** Groups that make people approvers of one stage. */
  stageGroups: 256,
  /** Precedents read, of each kind. A bundle's limit on how often something may happen cannot be higher. */
  precedentsOfAKind: 100,
  /** Earlier requests and denials that are shown with a request: as many as can be read. */
  linkedPrecedents: 200,
  /** Words that a bundle wants approvers to look at more closely. */
  flags: 64,
  /** Changes of the path of one request, proposed ones included. */
  reroutes: 8,
  grantMs: 30 * DAY_MS,
  emergencyGrantMs: 8 * HOUR_MS,
  /** From `iat` to `exp` of a statement. Whatever rests on a statement ends with it at the latest. */
  statementLifeMs: 24 * HOUR_MS,
  /** How long approvals and confirmations count at most, where the path says that they count for longer than a day. */
  approvalLifeMs: 7 * DAY_MS,
  /** How long after it was asked for access may begin at most. */
  startDelayMs: 7 * DAY_MS,
  /** From submission to grant. */
  pendingLifeMs: 30 * DAY_MS,
  /** How long a confirmation is awaited if the path has no stage that says so. */
  confirmationRemindMs: HOUR_MS,
  confirmationEscalateMs: 4 * HOUR_MS,
  confirmationExpireMs: DAY_MS,
  /** How far a signer's clock may be ahead of ours. */
  clockSkewMs: 60 * SECOND_MS,
} as const;
