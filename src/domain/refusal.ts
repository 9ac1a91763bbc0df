/** Why something was refused. Codes are stable: callers match on them, tests name them, auditors count them. */
export const REFUSAL_CODES = [
  // Who signed, and with what
  'BAD_SIGNATURE',
  'UNKNOWN_KEY',
  'WEAK_ASSURANCE',
  'NOT_HUMAN',
  'DISABLED_IDENTITY',
  // What they may do
  'NOT_ELIGIBLE',
  'CONFLICTED',
  'NOT_GOVERNANCE',
  // What the statement says
  'MALFORMED',
  'TOO_LARGE',
  'DIGEST_MISMATCH',
  'STALE_PATH',
  'REPLAYED',
  'EXPIRED_STATEMENT',
  'MISSING_REASON',
  'MISSING_TICKET',
  'MISSING_POLICY_BASIS',
  'WOULD_WEAKEN',
  // When it came
  'NOT_NOW',
  'RATE_LIMITED',
  // What the act on a target found when it proved the evidence again
  'NOT_AUTHORISED',
  'POLICY_CHANGED',
  'LEASE_ENDED',
  'EMERGENCY_ACTIVE',
  'TARGET_REFUSED',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A refusal is a value, never an exception. `detail` is one sentence for a person; it holds no secret. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** What a check that can refuse returns when it refuses. Assignable to a `Result` of any value. */
export type Refused = { readonly ok: false; readonly refusal: Refusal };

/** The result of something that was not refused. */
export const accepted = <T>(value: T): Result<T> => ({ ok: true, value });

/** The result that carries a refusal somebody else made. */
export const refusedBy = (refusal: Refusal): Refused => ({ ok: false, refusal });

/** The result that refuses with this code. `detail` is one sentence for a person, without secrets. */
export const refused = (code: RefusalCode, detail: string): Refused => refusedBy({ code, detail });
