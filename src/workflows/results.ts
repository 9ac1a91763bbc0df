import type { EndAccessResult, ProvisionResult } from '../activities/types';
import { END_CAUSES, LEASE_ENDS, type Lease, type LeaseEnding, type ReviewDebt } from '../domain/lease';
import { LIMITS } from '../domain/limits';
import { isPrincipalId } from '../domain/principal';
import { REFUSAL_CODES, type Refusal } from '../domain/refusal';

const LONGEST_DETAIL = 500;

/**
 * Reads what an activity is said to have answered. Whoever can write to the namespace can answer for it, with anything:
 * an answer that is none must not throw, for that would stop the timers.
 */
export function readProvisionResult(value: unknown, leaseId: string): ProvisionResult | undefined {
  const { outcome, lease, ending, refusal, review } = membersOf(value);
  const debt = readDebt(review);
  if (outcome === 'granted') {
    const read = readLease(lease, leaseId);
    return read && { outcome, lease: read, ...(debt && { review: debt }) };
  }
  if (outcome === 'ended') {
    const told = readEnded(lease, ending, leaseId);
    return told && { outcome, ...told, ...(debt && { review: debt }) };
  }
  const read = outcome === 'refused' ? readRefusal(refusal) : undefined;
  return read && { outcome: 'refused', refusal: read };
}

/** Reads what the target is said to have told of a lease that was ended. What is none says nothing. */
export function readEndAccessResult(value: unknown, leaseId: string): EndAccessResult | undefined {
  const { lease, ending } = membersOf(value);
  return readEnded(lease, ending, leaseId);
}

function readEnded(lease: unknown, ending: unknown, leaseId: string): EndAccessResult | undefined {
  const [given, over] = [readLease(lease, leaseId), readEnding(ending)];
  return given && over && { lease: given, ending: over };
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
