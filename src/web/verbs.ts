import { countsForMs } from '../domain/lasting';
import { LIMITS } from '../domain/limits';
import { isHuman } from '../domain/principal';
import type { Refusal } from '../domain/refusal';
import { checkGovernor } from '../domain/rules/standing';
import { isOver, type ReadState } from '../domain/state';
import { type Statement, VERBS, type Verb, type VerifiedStatement } from '../domain/statement';
import { VERB_DESCRIPTORS } from '../domain/verbs';
import { judge } from '../domain/verbs/judge';
import type { Visitor } from './sessions';

/**
 * Returns exactly the verbs that the core would accept from this person now, by the rules that judge a real statement. What a
 * statement says besides (a reason, a replacement) is judged when it is signed.
 */
export const sayable = (state: ReadState, visitor: Visitor, atMs: number): readonly Verb[] =>
  VERBS.filter((verb) => isSayable(state, visitor, verb, atMs));

/** Returns why the core would refuse this person's approval, for people who might expect to be asked. */
export function whyNotApprove(state: ReadState, visitor: Visitor, atMs: number): Refusal | undefined {
  const approval = judge(state, asIfSigned(state, visitor, 'approve', atMs), atMs);
  return approval.ok ? undefined : approval.refusal;
}

function isSayable(state: ReadState, visitor: Visitor, verb: Verb, atMs: number): boolean {
  const { openTo } = VERB_DESCRIPTORS[verb];
  if (openTo === 'machines' || (openTo === 'people' && !isHuman(visitor.standing))) return false;
  if (verb === 'reroute') return mayReroute(state, visitor, atMs);
  return judge(state, asIfSigned(state, visitor, verb, atMs), atMs).ok;
}

/** What a reroute could change is found out by `openReroutes`; here only the authority is judged. */
const mayReroute = (state: ReadState, visitor: Visitor, atMs: number): boolean =>
  !isOver(state) &&
  state.status === 'awaiting_approval' &&
  checkGovernor(state, asIfSigned(state, visitor, 'reroute', atMs)).ok;

/** Returns the change of the path that awaits a second governor, if there is one. */
export const proposedChange = (state: ReadState) =>
  state.pathChanges.find(({ phase }) => phase === 'proposed');

/** Returns how long the pages have a statement valid: as long as it may be. */
export const lifeMs = (state: ReadState, verb: Verb): number =>
  VERB_DESCRIPTORS[verb].grantRestsOnIt ? countsForMs(state) : LIMITS.statementLifeMs;

/** Returns a statement as this person's passkey would sign it, with what its verb cannot do without. */
export function asIfSigned(
  state: ReadState,
  visitor: Visitor,
  verb: Verb,
  atMs: number,
  more: Partial<Statement> = {},
): VerifiedStatement {
  const { submission, digest, revision } = state;
  const { standing } = visitor;
  const proposed = proposedChange(state)?.record.jti;
  const statement: Statement = {
    iss: visitor.person,
    jti: 'not-signed',
    issuedAtMs: atMs,
    expiresAtMs: atMs + lifeMs(state, verb),
    ...{ verb, request: submission.request.id, digest, revision },
    ...(verb === 'cancel' && { reasonCode: 'any' }),
    ...(verb === 'review' && { verdict: 'justified' as const }),
    ...(verb === 'endorse' && proposed !== undefined && { endorses: proposed }),
    ...more,
  };
  return {
    statement,
    envelope: { format: 'jws', jws: '' },
    signer: standing,
    // Whoever signed in at the identity provider signs with a passkey all the same.
    keyId: visitor.passkey?.keyId ?? '',
    assurance: 'phishing-resistant',
    channel: visitor.passkey?.channel ?? 'browser',
    directoryDigest: '',
  };
}
