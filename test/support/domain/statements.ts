import type { AccessRequest } from '../../../src/domain/request';
import type {
  EmergencyReroute,
  RerouteCheck,
  Statement,
  Verb,
  VerifiedStatement,
} from '../../../src/domain/statement';
import { aRequest, chiefs, DAY, DIRECTORY_DIGEST, digestFor, HOUR, POLICY_DIGEST, START } from './builders';
import { LEAD_1, REVIEWER, SUBSTITUTE_1, standingOf } from './people';

const THE_REQUEST = aRequest();

type Claims = Partial<Statement>;

/** The claim of a reroute: whom to replace, by whom, until when. */
export const replacing = (replace: string, by: string, untilMs = START + 6 * HOUR): Claims => ({
  replacement: { replace, with: by, untilMs },
});

/** The only condition under which policy lets a reroute reach further. */
const STANDBY_CONDITION: EmergencyReroute = {
  condition: 'nobody-answers',
  substituteGroups: ['standby'],
  reviewWithinMs: DAY,
  reviewers: [REVIEWER],
};

/** The claims that each verb needs besides issuer, request and times. */
const NEEDED: Partial<Record<Verb, Claims>> = {
  reroute: {
    reasonCode: 'approver-absent',
    ticket: 'OPS-18',
    policyBasis: 'ledger-write',
    ...replacing(LEAD_1, SUBSTITUTE_1),
  },
  endorse: { endorses: 'reroute-by-person/iam' },
  cancel: { reasonCode: 'no-longer-needed' },
  review: { verdict: 'justified' },
};

/** A statement about `aRequest()`, made at the start and valid for a day, unless the claims say otherwise. */
export function aStatement(
  verb: Verb,
  iss: string,
  claims: Claims = {},
  about: AccessRequest = THE_REQUEST,
): Statement {
  return {
    iss,
    jti: `${verb}-by-${iss}`,
    issuedAtMs: START,
    expiresAtMs: START + DAY,
    verb,
    request: about.id,
    digest: digestFor(about),
    revision: 0,
    ...NEEDED[verb],
    ...claims,
  };
}

/** Returns claims without these members, which the verb needs. */
export const without = (...members: readonly (keyof Statement)[]): Claims =>
  Object.fromEntries(members.map((member) => [member, undefined]));

/** Claims of a reroute that switches the request to another path. */
export const switchingTo = (path: string, untilMs = START + 6 * HOUR): Claims => ({
  ...without('replacement'),
  switchTo: { path, untilMs },
});

/** Current policy has no objection to the reroute. */
export function fineReroute(statement: Statement): RerouteCheck {
  return {
    reasonCodeListed: true,
    ticketFound: true,
    policyBasisListed: true,
    candidate: standingOf(statement.replacement?.with ?? ''),
    candidateStages: ['leads', 'security'],
    ...(statement.switchTo?.path === 'by-the-chiefs' && { alternative: chiefs() }),
    ...(statement.emergencyCondition === STANDBY_CONDITION.condition && { emergency: STANDBY_CONDITION }),
    policyDigest: POLICY_DIGEST,
  };
}

/** The facts of a statement with a valid signature, made with its issuer's own registered key. */
export function verified(statement: Statement, changes: Partial<VerifiedStatement> = {}): VerifiedStatement {
  return {
    statement,
    envelope: { format: 'jws', jws: `signed.${statement.jti}.signature` },
    signer: standingOf(statement.iss),
    keyId: `key-of-${statement.iss}`,
    assurance: 'key',
    channel: 'cli',
    directoryDigest: DIRECTORY_DIGEST,
    ...(statement.verb === 'reroute' && { reroute: fineReroute(statement) }),
    ...changes,
  };
}
