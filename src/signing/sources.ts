import { randomUUID } from 'node:crypto';
import {
  PUSHED_TYPE,
  type PushedClaims,
  pushedClaimsSchema,
  RELEASE_TYPE,
  RELEASING_ROLE,
  type ReleaseClaims,
  releaseClaimsSchema,
  SNAPSHOT_TYPE,
  type SnapshotClaims,
  snapshotClaimsSchema,
} from '../contracts/sources';
import type { Directory } from '../directory/directory';
import { digestOf } from '../domain/digest';
import type { PrincipalId } from '../domain/principal';
import { hasAnyRole, isHuman, RECORDER_ROLE } from '../domain/principal';
import { accepted, type Result, refused } from '../domain/refusal';
import type { SigningKey } from './keys';
import { signAs } from './sign';
import { SignatureVerifier } from './verify';

/** Signs, as a reader, what a source gave. */
export async function signSnapshot(
  about: Pick<SnapshotClaims, 'source' | 'digest'>,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<string> {
  const claims: SnapshotClaims = { ...about, iss: issuer, jti: randomUUID(), iat: nowMs / 1_000 };
  return (await signAs(SNAPSHOT_TYPE, claims, key)).jws;
}

/** Signs, as a governor, that a held change may count. */
export async function signRelease(
  about: Pick<ReleaseClaims, 'source' | 'change' | 'reason'>,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<string> {
  const claims: ReleaseClaims = { ...about, iss: issuer, jti: randomUUID(), iat: nowMs / 1_000 };
  return (await signAs(RELEASE_TYPE, claims, key)).jws;
}

/** Signs, as a gateway, what an identity provider pushed. */
export async function signPushed(
  about: Omit<PushedClaims, 'iss' | 'jti' | 'iat'>,
  issuer: PrincipalId,
  key: SigningKey,
  nowMs: number,
): Promise<string> {
  const claims: PushedClaims = { ...about, iss: issuer, jti: randomUUID(), iat: nowMs / 1_000 };
  return (await signAs(PUSHED_TYPE, claims, key)).jws;
}

/** Verifies a gateway's word for what was pushed, by the keys and roles of `directory.yaml` alone. */
export async function verifyPushed(
  jws: string,
  about: Omit<PushedClaims, 'iss' | 'jti' | 'iat'>,
  root: Directory,
  nowMs: number,
): Promise<Result<true>> {
  const verified = await new SignatureVerifier(root).verify({ format: 'jws', jws }, PUSHED_TYPE, nowMs);
  if (!verified.ok) return verified;
  const { payload, key } = verified.value;
  const claims = pushedClaimsSchema.safeParse(payload);
  if (!claims.success) return refused('MALFORMED', 'it is not the word of a gateway');
  const { iss, jti: _jti, iat: _iat, ...said } = claims.data;
  const standing = root.standingOf(iss, nowMs);
  if (iss !== key.principal || !standing?.active || !hasAnyRole(standing, [RECORDER_ROLE]))
    return refused('BAD_SIGNATURE', `${key.principal} is not a gateway with the role ${RECORDER_ROLE}`);
  if (digestOf(said) !== digestOf(about))
    return refused('DIGEST_MISMATCH', 'it was signed for something else');
  return accepted(true);
}

/**
 * Verifies the word of a reader, by the keys of `directory.yaml` alone: what a source gives can never make a reader.
 *
 * @returns when the source was read
 */
export async function verifySnapshot(
  { jws, source, digest }: { readonly jws: string; readonly source: string; readonly digest: string },
  readers: readonly PrincipalId[],
  root: Directory,
  nowMs: number,
): Promise<Result<number>> {
  const verified = await new SignatureVerifier(root).verify({ format: 'jws', jws }, SNAPSHOT_TYPE, nowMs);
  if (!verified.ok) return verified;
  const { payload, key } = verified.value;
  const claims = snapshotClaimsSchema.safeParse(payload);
  if (!claims.success) return refused('MALFORMED', 'it is not the word of a reader');
  const { iss, iat } = claims.data;
  if (iss !== key.principal || !readers.includes(iss) || root.standingOf(iss, nowMs)?.active !== true)
    return refused('BAD_SIGNATURE', `${key.principal} may not read the sources`);
  if (claims.data.source !== source || claims.data.digest !== digest)
    return refused('DIGEST_MISMATCH', 'it was signed for another snapshot');
  return accepted(iat * 1_000);
}

/** Verifies a governor's word for a held change, by the keys and roles of `directory.yaml` alone. Returns which change, and who released it. */
export async function verifyRelease(
  jws: string,
  source: string,
  root: Directory,
  nowMs: number,
): Promise<Result<{ readonly change: string; readonly by: PrincipalId }>> {
  const verified = await new SignatureVerifier(root).verify({ format: 'jws', jws }, RELEASE_TYPE, nowMs);
  if (!verified.ok) return verified;
  const { payload, key } = verified.value;
  const claims = releaseClaimsSchema.safeParse(payload);
  if (!claims.success) return refused('MALFORMED', 'it is not the release of a change');
  const { iss, change } = claims.data;
  const standing = root.standingOf(iss, nowMs);
  if (iss !== key.principal)
    return refused('BAD_SIGNATURE', `signed by a key of ${key.principal} in the name of ${iss}`);
  if (!standing?.active || !isHuman(standing) || !standing.roles.includes(RELEASING_ROLE))
    return refused('NOT_GOVERNANCE', `${iss} does not hold the role ${RELEASING_ROLE} in directory.yaml`);
  if (claims.data.source !== source) return refused('DIGEST_MISMATCH', 'it is about another source');
  return accepted({ change, by: iss });
}
