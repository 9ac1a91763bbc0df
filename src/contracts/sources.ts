import { z } from 'zod';
import { LIMITS } from '../domain/limits';
import { identifier, line, principalId } from './request';

/** JOSE `typ` of a reader's word for what it took from a source. */
export const SNAPSHOT_TYPE = 'countersign-snapshot+jwt';
/** JOSE `typ` of a governor's word for a change that is held. */
export const RELEASE_TYPE = 'countersign-release+jwt';

/** JOSE `typ` of a gateway's word for what an identity provider pushed. */
export const PUSHED_TYPE = 'countersign-pushed+jwt';

/** The role whose holders release held changes. */
export const RELEASING_ROLE = 'iam-operations';

const numericDate = z.number().min(0).max(8_640_000_000_000);
const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');

/** Claims of a reader: at this time, `source` had what the snapshot with this digest says, less what was held. */
export const snapshotClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  source: identifier,
  digest,
});
export type SnapshotClaims = z.infer<typeof snapshotClaimsSchema>;

/** Claims of a release. `change` is the id of the held change, which covers what would become of it. */
export const releaseClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  source: identifier,
  change: digest,
  reason: line(LIMITS.reasonCharacters).exactOptional(),
});
export type ReleaseClaims = z.infer<typeof releaseClaimsSchema>;

/** Claims of a gateway: the identity provider of `source` pushed the resource whose content has this digest. Each version is one higher. */
export const pushedClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  source: identifier,
  kind: z.enum(['User', 'Group']),
  id: identifier,
  version: z.int().min(1),
  digest,
});
export type PushedClaims = z.infer<typeof pushedClaimsSchema>;
