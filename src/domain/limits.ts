/** Every quantity a request can make us hold or wait for has a limit. Units come last in each name. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const LIMITS = {
  /** One statement as it travels, envelope included. */
  statementBytes: 16 * 1024,
  /** One submission as it travels, proof included. */
  requestBytes: 64 * 1024,
  /** How deep it may be nested; evidence holds it at a few levels of its own. */
  requestLevels: 64,
  reasonCharacters: 2_000,
  commentCharacters: 2_000,
  identifierCharacters: 128,
  ticketCharacters: 64,
  onBehalfOfLinks: 8,
  /** Statements that count, for one request, over its whole life. */
  acceptedStatements: 64,
  /** Of these, kept free for the verbs that only end or review, so that no flood can make a grant irrevocable. */
  closingStatements: 2,
  /** Refusals kept word for word; those beyond are counted. */
  keptRefusals: 32,
  /** Statements waiting in the inbox of one request, by count and by size; so many that a flood cannot push one out. */
  inboxStatements: 2_048,
  inboxBytes: 4 * 1024 * 1024,
  /** What waits there and cannot be read. It never takes the room of a statement. */
  inboxUnreadable: 64,
  /** Statements that are verified at a time. */
  batchStatements: 64,
  stages: 8,
  quorum: 8,
  eligibleApprovers: 64,
  /** Earlier requests, denials and flagged words that are shown with a request. */
  linkedPrecedents: 8,
  flags: 8,
  /** Of each kind of precedent, as many are read; no limit of a bundle on how often may be higher. */
  precedentsOfAKind: 100,
  /** Reroutes that took effect, for one request. */
  reroutes: 8,
  grantMs: 30 * DAY_MS,
  emergencyGrantMs: 8 * HOUR_MS,
  /** From `iat` to `exp` of a statement. Nothing that rests on a statement outlives it. */
  statementLifeMs: 24 * HOUR_MS,
  /** From submission to grant. */
  pendingLifeMs: 30 * DAY_MS,
  /** How long a confirmation is waited for where no stage of a path says it. */
  confirmationRemindMs: HOUR_MS,
  confirmationEscalateMs: 4 * HOUR_MS,
  confirmationExpireMs: DAY_MS,
  /** How far a signer's clock may be ahead of ours. */
  clockSkewMs: 60 * SECOND_MS,
} as const;
