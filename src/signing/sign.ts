import { randomUUID } from 'node:crypto';
import { CompactSign } from 'jose';
import { DENIAL_REPORT_TYPE, type DenialClaims } from '../contracts/denial-report';
import {
  ATTESTATION_TYPE,
  ATTESTED_STATEMENT_TYPE,
  type AttestationClaims,
  type AttestedMembers,
  CALLER_TYPE,
  STATEMENT_TYPE,
  type StatementClaims,
  SUBMISSION_TYPE,
} from '../contracts/statement';
import { requestDigest } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import type { AccessRequest, AttestedEnvelope, JwsEnvelope, Submission } from '../domain/request';
import type { SigningKey } from './keys';

/** The claims a signer chooses. Signing adds id and times. */
export type StatementDraft = Omit<StatementClaims, 'iss' | 'jti' | 'iat' | 'exp'>;

export interface StatementTimes {
  readonly nowMs: number;
  /** How long the statement counts, 24 hours at most. */
  readonly lifeMs: number;
}

/** Signs a statement as `issuer` (compact JWS, RFC 7515 section 7.1). */
export async function signStatement(
  draft: StatementDraft,
  issuer: PrincipalId,
  key: SigningKey,
  { nowMs, lifeMs }: StatementTimes,
): Promise<JwsEnvelope> {
  const iat = nowMs / 1_000;
  const claims: StatementClaims = {
    ...draft,
    iss: issuer,
    jti: randomUUID(),
    iat,
    exp: iat + lifeMs / 1_000,
  };
  return signAs(STATEMENT_TYPE, claims, key);
}

/** What somebody chose in a channel: an approval or a denial of the stage that they were shown. */
export type ChoiceDraft = StatementDraft & {
  readonly verb: 'approve' | 'deny';
  readonly stage: string;
};

/**
 * Signs, as the attester of a channel, that `chooser` chose this there. The `jti` is that of the message which the channel sent, so
 * the same message counts once, however often it comes.
 */
export async function attestChoice(
  draft: ChoiceDraft,
  chooser: PrincipalId,
  { attester, via }: AttestedMembers,
  key: SigningKey,
  { nowMs, lifeMs }: StatementTimes,
): Promise<AttestedEnvelope> {
  const iat = nowMs / 1_000;
  const jti = `${via.channel}-${via.received.slice('sha-256:'.length)}`;
  const claims: StatementClaims & AttestedMembers = {
    ...{ ...draft, iss: chooser, jti, iat, exp: iat + lifeMs / 1_000 },
    ...{ attester, via },
  };
  return { format: 'attested', attested: (await signAs(ATTESTED_STATEMENT_TYPE, claims, key)).jws };
}

/** Signs a request as its requester. The proof covers the digest of every member of the request. */
export async function signSubmission(
  request: AccessRequest,
  key: SigningKey,
): Promise<Submission<JwsEnvelope>> {
  const claims = {
    iss: request.requester,
    jti: randomUUID(),
    iat: request.submittedAtMs / 1_000,
    request: request.id,
    digest: requestDigest(request),
  };
  return { request, proof: await signAs(SUBMISSION_TYPE, claims, key) };
}

/** What a policy enforcement point says it denied. Signing adds id and time. */
export type DenialDraft = Omit<DenialClaims, 'iss' | 'jti' | 'iat'>;

/** Signs a denial report as the enforcement point `issuer`. */
export async function signDenialReport(
  draft: DenialDraft,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<JwsEnvelope> {
  const claims: DenialClaims = { ...draft, iss: issuer, jti: randomUUID(), iat: nowMs / 1_000 };
  return signAs(DENIAL_REPORT_TYPE, claims, key);
}

/** Signs, as a gateway, that the requester asked for this request with a token that the gateway verified. */
export async function attestSubmission(
  request: AccessRequest,
  about: Pick<AttestationClaims, 'iss' | 'via' | 'task'>,
  key: SigningKey,
  nowMs: number,
): Promise<Submission<JwsEnvelope>> {
  const claims: AttestationClaims = {
    ...about,
    sub: request.requester,
    jti: randomUUID(),
    iat: nowMs / 1_000,
    request: request.id,
    digest: requestDigest(request),
  };
  return { request, proof: await signAs(ATTESTATION_TYPE, claims, key) };
}

/** Signs a token by which an identity calls a gateway as itself. It says who calls, and nothing else. */
export async function signCallerToken(
  principal: PrincipalId,
  audience: string,
  key: SigningKey,
  { nowMs, lifeMs }: StatementTimes,
): Promise<string> {
  const iat = Math.floor(nowMs / 1_000);
  const claims = { iss: principal, sub: principal, aud: audience, iat, exp: iat + Math.ceil(lifeMs / 1_000) };
  return (await signAs(CALLER_TYPE, claims, key)).jws;
}

/** Signs claims of any kind as a compact JWS (RFC 7515 section 7.1). `typ` says what they are for. */
export async function signAs(typ: string, claims: object, key: SigningKey): Promise<JwsEnvelope> {
  const payload = new TextEncoder().encode(JSON.stringify(claims));
  const jws = await new CompactSign(payload)
    .setProtectedHeader({ alg: key.algorithm, typ, kid: key.keyId })
    .sign(key.key);
  return { format: 'jws', jws };
}
