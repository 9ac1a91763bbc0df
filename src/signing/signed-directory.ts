import { DENIAL_REPORT_TYPE, denialClaimsSchema, denialReportOf } from '../contracts/denial-report';
import { describeIssues } from '../contracts/problem';
import { submissionSchema } from '../contracts/request';
import {
  ATTESTATION_TYPE,
  attestationClaimsSchema,
  recordedClaimsSchema,
  STATEMENT_TYPE,
  SUBMISSION_TYPE,
  statementClaimsSchema,
  statementOf,
  submissionClaimsSchema,
} from '../contracts/statement';
import type { Directory } from '../directory/directory';
import { type Digest, requestDigest } from '../domain/digest';
import type { Recognition } from '../domain/event';
import type { KeyDirectory } from '../domain/ports';
import type { DenialReport } from '../domain/precedents';
import { hasAnyRole, isHuman, RECORDER_ROLE, type Standing } from '../domain/principal';
import { accepted, type Refusal, type Result, refused } from '../domain/refusal';
import type { AccessRequest, SignedEnvelope, Submission } from '../domain/request';
import type { StatementCheck, UnverifiedStatement } from '../domain/statement';
import { whoChose } from './attested';
import { SignatureVerifier, typeOf } from './verify';

/** By which rules a statement is read. */
export interface StatementRules {
  readonly claims: typeof recordedClaimsSchema;
  /** Whether an approval has to name its stage. */
  readonly demandsStage: boolean;
}
export const TODAYS_RULES: StatementRules = { claims: statementClaimsSchema, demandsStage: true };
/** What earlier versions took in. Only for what is on record. */
export const EARLIER_RULES: StatementRules = { claims: recordedClaimsSchema, demandsStage: false };
export const WITHOUT_STAGE = 'an approval names the stage that it is for';

/** The core's view of a directory: verifies signatures against registered keys, and says who the signers are. */
export class SignedDirectory implements KeyDirectory {
  readonly digest: Digest;
  readonly #verifier: SignatureVerifier;

  constructor(
    private readonly directory: Directory,
    private readonly rules: StatementRules = TODAYS_RULES,
  ) {
    this.digest = directory.digest;
    this.#verifier = new SignatureVerifier(directory);
  }

  async authenticateSubmission(submission: Submission, atMs: number): Promise<Result<Recognition>> {
    const decoded = submissionSchema.safeParse(submission);
    if (!decoded.success) return refused('MALFORMED', describeIssues(decoded.error, 'submission'));
    const { request, proof } = decoded.data;
    if (typeOf(proof) === ATTESTATION_TYPE) return this.#authenticateAttested(request, proof, atMs);
    const verified = await this.#verifier.verify(proof, SUBMISSION_TYPE, atMs);
    if (!verified.ok) return verified;
    const { payload, key } = verified.value;
    const claims = submissionClaimsSchema.safeParse(payload);
    if (!claims.success) return refused('MALFORMED', describeIssues(claims.error, 'submission claims'));
    if (claims.data.iss !== key.principal || request.requester !== key.principal)
      return refused('BAD_SIGNATURE', `the key belongs to ${key.principal}, not to the requester`);
    if (claims.data.request !== request.id || claims.data.digest !== requestDigest(request))
      return refused('DIGEST_MISMATCH', 'the proof was made for another request');
    // Otherwise anyone could tell policy what it wants to hear.
    if (request.presented !== undefined)
      return refused(
        'BAD_SIGNATURE',
        'properties count only as a gateway attests that an enforcement point presented them',
      );
    if (!this.directory.standingOf(key.principal, atMs)?.active)
      return refused('DISABLED_IDENTITY', `${key.principal} is disabled or past its end date`);
    const { keyId, assurance, channel } = key;
    return accepted({ principal: key.principal, keyId, assurance, channel, directoryDigest: this.digest });
  }

  async authenticateDenial(
    envelope: SignedEnvelope,
    atMs: number,
  ): Promise<Result<{ readonly report: DenialReport; readonly reporter: Standing }>> {
    const verified = await this.#verifier.verify(envelope, DENIAL_REPORT_TYPE, atMs);
    if (!verified.ok) return verified;
    const { payload, key } = verified.value;
    const claims = denialClaimsSchema.safeParse(payload);
    if (!claims.success) return refused('MALFORMED', describeIssues(claims.error, 'denial'));
    const reporter = this.directory.standingOf(key.principal, atMs);
    if (claims.data.iss !== key.principal || reporter === undefined)
      return refused(
        'BAD_SIGNATURE',
        `signed by a key of ${key.principal} in the name of ${claims.data.iss}`,
      );
    return accepted({ report: denialReportOf(claims.data), reporter });
  }

  /** Accepts a gateway's word on who asked, at the assurance `channel`. */
  async #authenticateAttested(
    request: AccessRequest,
    proof: SignedEnvelope,
    atMs: number,
  ): Promise<Result<Recognition>> {
    const verified = await this.#verifier.verify(proof, ATTESTATION_TYPE, atMs);
    if (!verified.ok) return verified;
    const { payload, key } = verified.value;
    const claims = attestationClaimsSchema.safeParse(payload);
    if (!claims.success) return refused('MALFORMED', describeIssues(claims.error, 'attestation claims'));
    const { iss, sub } = claims.data;
    const recorder = this.directory.standingOf(key.principal, atMs);
    if (
      iss !== key.principal ||
      recorder === undefined ||
      isHuman(recorder) ||
      !hasAnyRole(recorder, [RECORDER_ROLE])
    )
      return refused('BAD_SIGNATURE', `${key.principal} may not attest who asked`);
    if (!recorder.active)
      return refused('DISABLED_IDENTITY', `${key.principal} is disabled or past its end date`);
    if (sub !== request.requester || sub === iss)
      return refused('BAD_SIGNATURE', `${key.principal} attests another requester`);
    if (claims.data.request !== request.id || claims.data.digest !== requestDigest(request))
      return refused('DIGEST_MISMATCH', 'the attestation was made for another request');
    if (!this.directory.standingOf(sub, atMs)?.active)
      return refused('DISABLED_IDENTITY', `${sub} is disabled or past its end date`);
    return accepted({
      principal: sub,
      keyId: key.keyId,
      assurance: 'channel',
      channel: 'gateway',
      directoryDigest: this.digest,
    });
  }

  async authenticateStatement(envelope: SignedEnvelope, atMs: number): Promise<StatementCheck> {
    const verified = await this.#verifier.verify(envelope, STATEMENT_TYPE, atMs);
    if (!verified.ok) return unverified(verified.refusal);
    const { key, authenticator } = verified.value;
    const stated =
      envelope.format === 'attested'
        ? whoChose(verified.value, this.directory, atMs)
        : accepted({ ...verified.value, ...key });
    if (!stated.ok) return unverified(stated.refusal, key.principal);
    const { payload, principal, assurance, channel } = stated.value;
    const claims = this.rules.claims.safeParse(payload);
    if (!claims.success)
      return unverified({ code: 'MALFORMED', detail: describeIssues(claims.error, 'statement') }, principal);
    const statement = statementOf(claims.data);
    const claimed = { claimedVerb: statement.verb, claimedId: statement.jti };
    if (statement.iss !== principal) {
      const detail = `signed by a key of ${principal} in the name of ${statement.iss}`;
      return unverified({ code: 'BAD_SIGNATURE', detail }, principal, claimed);
    }
    const signer = this.directory.standingOf(principal, atMs);
    if (signer === undefined)
      return unverified({ code: 'UNKNOWN_KEY', detail: 'the key belongs to nobody' }, principal, claimed);
    // Last, so that what was refused for another reason before is refused for the same reason now.
    if (this.rules.demandsStage && statement.verb === 'approve' && statement.stage === undefined)
      return unverified({ code: 'MALFORMED', detail: WITHOUT_STAGE }, signer.id, claimed);
    const { keyId } = key;
    const directoryDigest = this.digest;
    return {
      verified: true,
      facts: {
        statement,
        envelope,
        signer,
        keyId,
        assurance,
        channel,
        directoryDigest,
        ...(authenticator && { authenticator }),
      },
    };
  }
}

function unverified(
  refusal: Refusal,
  issuer?: string,
  claimed?: Partial<UnverifiedStatement>,
): StatementCheck {
  const by = issuer === undefined ? {} : { claimedIssuer: issuer };
  return { verified: false, attempt: { ...claimed, ...by, refusal } };
}
