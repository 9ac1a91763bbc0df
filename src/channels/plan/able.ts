import {
  GOVERNANCE_ROLES,
  hasAnyRole,
  isHuman,
  type PrincipalId,
  type Standing,
} from '../../domain/principal';
import { checkGovernor, checkStanding } from '../../domain/rules/standing';
import type { ReadState } from '../../domain/state';
import type { VerifiedStatement } from '../../domain/statement';
import { VERB_DESCRIPTORS } from '../../domain/verbs';

/** Everyone that the directory knows, and their standing at a moment. */
export interface People {
  readonly ids: readonly PrincipalId[];
  standingOf(id: PrincipalId, atMs: number): Standing | undefined;
}

type Verb = 'approve' | 'confirm' | 'endorse';

/**
 * Returns true if the core would accept this verb from the signer now. It applies the same rules as to a real statement, and assumes
 * the strongest key.
 */
export function mayAct(
  state: ReadState,
  signer: Standing | undefined,
  verb: Verb,
  atMs: number,
  endorses?: string,
): boolean {
  if (signer === undefined) return false;
  const verified = asIfSigned(state, signer, verb, atMs, endorses);
  const descriptor = VERB_DESCRIPTORS[verb];
  return checkStanding(verified, descriptor).ok && descriptor.rule(state, verified, atMs).ok;
}

/** Returns true if the signer could change the path of this request now (OVR-2, OVR-3). */
export function mayGovern(state: ReadState, signer: Standing | undefined, atMs: number): boolean {
  if (signer === undefined || !hasAnyRole(signer, GOVERNANCE_ROLES)) return false;
  const verified = asIfSigned(state, signer, 'reroute', atMs);
  return (
    state.status === 'awaiting_approval' &&
    checkStanding(verified, VERB_DESCRIPTORS.reroute).ok &&
    checkGovernor(state, verified).ok
  );
}

export const isActivePerson = (standing: Standing | undefined): boolean =>
  standing?.active === true && isHuman(standing);

function asIfSigned(
  { submission, digest, revision }: ReadState,
  signer: Standing,
  verb: Verb | 'reroute',
  atMs: number,
  endorses?: string,
): VerifiedStatement {
  return {
    statement: {
      iss: signer.id,
      jti: '',
      issuedAtMs: atMs,
      expiresAtMs: atMs + 1,
      verb,
      request: submission.request.id,
      digest,
      revision,
      ...(endorses !== undefined && { endorses }),
    },
    envelope: { format: 'jws', jws: '' },
    signer,
    keyId: '',
    assurance: 'phishing-resistant',
    channel: '',
    directoryDigest: '',
  };
}
