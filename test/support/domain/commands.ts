import type { Assessment } from '../../../src/domain/assessment';
import type { Command } from '../../../src/domain/command';
import type { Lease } from '../../../src/domain/lease';
import type { Refusal } from '../../../src/domain/refusal';
import type { AccessRequest } from '../../../src/domain/request';
import type { Statement, Verb, VerifiedStatement } from '../../../src/domain/statement';
import { aLease, aRequest, aSubmission, needsApproval, recognition, START } from './builders';
import { aStatement, verified } from './statements';

/** Short forms of commands for tests. Each happens at the start, unless `at` says when. */
export const submit = (request: AccessRequest = aRequest()): Command => ({
  type: 'submit',
  atMs: START,
  submission: aSubmission(request),
});

export const assess = (assessment: Assessment = needsApproval()): Command => ({
  type: 'record_assessment',
  atMs: START,
  assessment,
  recognition,
});

export const says = (
  who: string,
  verb: Verb,
  claims: Partial<Statement> = {},
  facts: Partial<VerifiedStatement> = {},
): Command => ({
  type: 'consider',
  atMs: START,
  check: { verified: true, facts: verified(aStatement(verb, who, claims), facts) },
});

/** Like `says`, about a request other than `aRequest()`. */
export const saysAbout = (about: AccessRequest, who: string, verb: Verb, claims: Partial<Statement> = {}) =>
  says(who, verb, aStatement(verb, who, claims, about));

export const unverified = (refusal: Refusal): Command => ({
  type: 'consider',
  atMs: START,
  check: { verified: false, attempt: { refusal, claimedVerb: 'approve', claimedIssuer: 'person/somebody' } },
});

export const granted = (lease: Partial<Lease> = {}): Command => ({
  type: 'record_grant',
  atMs: START,
  lease: aLease(lease),
});

export const notProvisioned: Command = {
  type: 'record_provisioning_refusal',
  atMs: START,
  refusal: { code: 'TARGET_REFUSED', detail: 'no such role' },
};

export const timePasses: Command = { type: 'tick', atMs: START };
export const accessEnded: Command = { type: 'record_access_ended', atMs: START };
export const barred: Command = { type: 'record_barred', atMs: START };

/** Returns the same command, that long after the start. */
export const at = (afterMs: number, command: Command): Command => ({ ...command, atMs: START + afterMs });

/** Returns the claims of a statement made that long after the start. */
export const madeAt = (afterMs: number, lifeMs = 24 * 3_600_000): Partial<Statement> => ({
  issuedAtMs: START + afterMs,
  expiresAtMs: START + afterMs + lifeMs,
});
