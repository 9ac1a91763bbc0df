import {
  GOVERNANCE_ROLES,
  hasAnyRole,
  isHuman,
  type PrincipalId,
  type Standing,
} from '../../domain/principal';
import { checkGovernor, checkStanding } from '../../domain/rules/standing';
import type { RequestState } from '../../domain/state';
import type { VerifiedStatement } from '../../domain/statement';
import { VERB_RULES } from '../../domain/verbs';

/** Everyone that the directory knows, and who they are at a moment. */
export interface People {
  readonly ids: readonly PrincipalId[];
  standingOf(id: PrincipalId, atMs: number): Standing | undefined;
}

type Verb = 'approve' | 'confirm' | 'endorse';

/**
 * Whether the core would take this of someone now, if they signed it: the same rules are asked that judge the statement
 * when it comes. Of their key nothing is known here, so the strongest is taken.
 */
export function mayAct(
  state: RequestState,
  signer: Standing | undefined,
  verb: Verb,
  atMs: number,
  endorses?: string,
): boolean {
  if (signer === undefined) return false;
  const facts = asIfSigned(state, signer, verb, atMs, endorses);
  return checkStanding(facts).ok && VERB_RULES[verb](state, facts, atMs).ok;
}

/** Whether someone could change the path of this request now (OVR-2, OVR-3). */
export function mayGovern(state: RequestState, signer: Standing | undefined, atMs: number): boolean {
  if (signer === undefined || !hasAnyRole(signer, GOVERNANCE_ROLES)) return false;
  const facts = asIfSigned(state, signer, 'reroute', atMs);
  return state.status === 'awaiting_approval' && checkStanding(facts).ok && checkGovernor(state, facts).ok;
}

export const isActivePerson = (standing: Standing | undefined): boolean =>
  standing?.active === true && isHuman(standing);

function asIfSigned(
  state: RequestState,
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
      request: state.submission?.request.id ?? '',
      digest: state.digest ?? '',
      revision: state.revision,
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
