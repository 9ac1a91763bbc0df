import type { Assessment, Stage } from '../../../src/domain/assessment';
import type { AccessRequest } from '../../../src/domain/request';
import {
  anEmergencyRequest,
  aRequest,
  DAY,
  HOUR,
  leads,
  needsApproval,
  permitted,
  START,
  security,
  stopped,
} from './builders';
import type { Dice } from './dice';
import {
  BENEFICIARY,
  BOT_AMONG_LEADS,
  DELEGATOR,
  DEPUTY,
  DISABLED_LEAD,
  FORMER_DEPUTY,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  LEAD_IN_GOVERNANCE,
  LEAD_IN_SECURITY,
  LEAD_WHO_LEFT,
  OWNER,
  REQUESTER,
  REVIEWER,
  SECURITY_1,
  SECURITY_2,
  SPONSOR,
} from './people';

/** A request and its assessment: mostly sound, sometimes flawed as if policy were broken. */
export interface Scenario {
  readonly request: AccessRequest;
  readonly assessment: Assessment;
  readonly isFlawed: boolean;
}

const ordinary = aRequest();
const emergency = anEmergencyRequest();
const tooLong = aRequest({ durationMs: 40 * DAY });
/** Access that is asked for later than now. */
const later = aRequest({ notBeforeMs: START + 2 * HOUR });
const tomorrow = aRequest({ notBeforeMs: START + 20 * HOUR });
const emergencyLater = anEmergencyRequest({ notBeforeMs: START + HOUR });
const nextMonth = aRequest({ notBeforeMs: START + 20 * DAY });

export function scenarioOf(dice: Dice): Scenario {
  const request = dice.pick([emergency, emergency, ordinary, ordinary, ordinary, ordinary, later, tomorrow]);
  const shape = dice.pick([...Array<'approve'>(9).fill('approve'), 'permit', 'stop'] as const);
  const changes = demandsOf(dice, request);
  if (shape === 'stop') {
    const assessment = stopped(dice.pick(['hard_stop', 'refuse']), changes);
    return { request, assessment, isFlawed: false };
  }
  const sound =
    shape === 'permit' ? permitted(changes) : withCounting(dice, needsApproval(stagesOf(dice), changes));
  return dice.chance(8) ? flawed(dice, request, sound) : { request, assessment: sound, isFlawed: false };
}

/** The path says in some cases how long its approvals count. */
function withCounting(dice: Dice, assessment: Assessment): Assessment {
  const approvalsCountForMs = dice.pick([0, 0, 0, 3 * HOUR, 3 * DAY]);
  if (approvalsCountForMs === 0 || assessment.path === undefined) return assessment;
  return { ...assessment, path: { ...assessment.path, approvalsCountForMs } };
}

function demandsOf(dice: Dice, request: AccessRequest): Partial<Assessment> {
  const before = dice.pick(['never', 'never', 'approval', 'execution'] as const);
  const isReviewed = dice.chance(2) || request.emergency;
  return {
    privileged: dice.chance(2),
    reviewers: [REVIEWER, LEAD_1, LEAD_IN_GOVERNANCE],
    ...(before !== 'never' && { confirmation: { by: [SPONSOR], before } }),
    ...(isReviewed && { reviewWithinMs: DAY }),
  };
}

function stagesOf(dice: Dice): readonly Stage[] {
  const unfit = dice.pick([
    LEAD_IN_SECURITY,
    BOT_AMONG_LEADS,
    LEAD_WHO_LEFT,
    DISABLED_LEAD,
    LEAD_IN_GOVERNANCE,
  ]);
  const delegations = [
    { from: LEAD_1, to: DEPUTY },
    { from: LEAD_2, to: FORMER_DEPUTY },
  ];
  const quorum = dice.pick([1, 2, 2, 3]);
  const eligible = [LEAD_1, LEAD_2, LEAD_3, unfit];
  const first = leads({ eligible, quorum, ...(dice.chance(2) && { delegations }) });
  const assurance = dice.pick(['key', 'phishing-resistant', 'channel', 'key'] as const);
  const second = security({
    eligible: [SECURITY_1, SECURITY_2, LEAD_IN_SECURITY],
    quorum: dice.pick([1, 1, 2]),
    assurance,
    ...(assurance === 'channel' && dice.chance(2) && { channels: ['slack'] }),
  });
  return dice.pick([[first], [first, second], [first], [second], [second, first]]);
}

/** One flaw of the assessment. Each is a reason to refuse the request, whatever else it says. */
function flawed(dice: Dice, request: AccessRequest, sound: Assessment): Scenario {
  const { binding: _binding, reviewWithinMs: _review, ...bare } = sound;
  const stage = (changes: Partial<Stage>) => needsApproval([leads(changes)]);
  const flaws: readonly Omit<Scenario, 'isFlawed'>[] = [
    { request, assessment: bare },
    { request: emergency, assessment: { ...bare, ...(sound.binding && { binding: sound.binding }) } },
    { request: emergencyLater, assessment: { ...sound, reviewWithinMs: DAY, reviewers: [REVIEWER] } },
    { request: nextMonth, assessment: sound },
    { request: tooLong, assessment: { ...sound, maxDurationMs: 50 * DAY } },
    { request, assessment: { ...sound, maxDurationMs: 1 } },
    { request, assessment: stage({ quorum: 0 }) },
    { request, assessment: stage({ eligible: [LEAD_1], quorum: 2 }) },
    { request, assessment: stage({ eligible: [LEAD_1, LEAD_1], quorum: 2 }) },
    ...[SPONSOR, LEAD_2, REVIEWER].map((to) => ({
      request,
      assessment: stage({ delegations: [{ from: LEAD_1, to }] }),
    })),
    ...[SPONSOR, OWNER, DELEGATOR, BENEFICIARY].map((id) => ({
      request,
      assessment: stage({ eligible: [LEAD_1, LEAD_2, id] }),
    })),
    ...[REQUESTER, BENEFICIARY, DELEGATOR].map((id) => ({
      request,
      assessment: { ...sound, parties: sound.parties.filter((party) => party.id !== id) },
    })),
  ];
  return { ...dice.pick(flaws), isFlawed: true };
}
