import type { EndAccessResult, ProvisionResult } from '../activities/types';
import { END_CAUSES, LEASE_ENDS, type Lease, type LeaseEnding, type ReviewDebt } from '../domain/lease';
import { LIMITS } from '../domain/limits';
import { isPrincipalId } from '../domain/principal';
import { REFUSAL_CODES, type Refusal } from '../domain/refusal';

const LONGEST_DETAIL = 500;

/**
 * Parses the result of the `provision` activity. Anyone who can write to the namespace can complete the activity with
 * anything, so an invalid result must not throw: that would stop the timers. Returns undefined if the result is invalid.
 */
export function readProvisionResult(value: unknown, leaseId: string): ProvisionResult | undefined {
  const { outcome, lease, ending, refusal, review } = membersOf(value);
  const debt = readDebt(review);
  if (outcome === 'granted') {
    const read = readLease(lease, leaseId);
    return read && { outcome, lease: read, ...(debt && { review: debt }) };
  }
  if (outcome === 'ended') {
    const ended = readEnded(lease, ending, leaseId);
    return ended && { outcome, ...ended, ...(debt && { review: debt }) };
  }
  const read = outcome === 'refused' ? readRefusal(refusal) : undefined;
  return read && { outcome: 'refused', refusal: read };
}

/** Parses the result of the `endAccess` activity. Returns undefined if it is invalid, or has nothing to tell. */
export function readEndAccessResult(value: unknown, leaseId: string): EndAccessResult | undefined {
  const { lease, ending } = membersOf(value);
  return readEnded(lease, ending, leaseId);
}

function readEnded(lease: unknown, ending: unknown, leaseId: string): EndAccessResult | undefined {
  const [validLease, validEnding] = [readLease(lease, leaseId), readEnding(ending)];
  return validLease && validEnding && { lease: validLease, ending: validEnding };
}

function readEnding(value: unknown): LeaseEnding | undefined {
  const { end: claimed, atMs, cause: claimedCause } = membersOf(value);
  const end = LEASE_ENDS.find((one) => one === claimed);
  const cause = END_CAUSES.find((one) => one === claimedCause);
  if (end === undefined || !isInstant(atMs)) return undefined;
  return { end, atMs, ...(cause && { cause }) };
}

function readLease(value: unknown, leaseId: string): Lease | undefined {
  const { id, account, grantedAtMs, expiresAtMs } = membersOf(value);
  if (id !== leaseId || typeof account !== 'string') return undefined;
  if (!isInstant(grantedAtMs) || !isInstant(expiresAtMs)) return undefined;
  return { id: leaseId, account, grantedAtMs, expiresAtMs };
}

function readDebt(value: unknown): ReviewDebt | undefined {
  const { dueAtMs, reviewers } = membersOf(value);
  if (!isInstant(dueAtMs) || !Array.isArray(reviewers) || reviewers.length > LIMITS.eligibleApprovers)
    return undefined;
  return reviewers.every(isPrincipalId) ? { dueAtMs, reviewers: [...reviewers] } : undefined;
}

function readRefusal(value: unknown): Refusal | undefined {
  const { code: claimed, detail } = membersOf(value);
  const code = REFUSAL_CODES.find((one) => one === claimed);
  if (code === undefined || typeof detail !== 'string') return undefined;
  return { code, detail: detail.slice(0, LONGEST_DETAIL) };
}

const isInstant = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value);

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
