import { isDeepStrictEqual } from 'node:util';
import type { DomainEvent } from '../../../src/domain/event';
import { effectiveApprovers, stagesOf } from '../../../src/domain/stages';
import type { GrantedState, RequestState } from '../../../src/domain/state';
import type { Status } from '../../../src/domain/status';
import { objections, shortestApproved } from './officer';
import type { Step, World } from './world';

/** The lifecycle as the design has it. A transition that is not listed does not exist. */
const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  submitted: ['assessing', 'refused'],
  assessing: ['hard_stopped', 'refused', 'awaiting_approval', 'approved', 'cancelled', 'withdrawn'],
  awaiting_approval: ['approved', 'denied', 'cancelled', 'withdrawn', 'lapsed'],
  // Denied only while it waits for its start: see `deniedOnlyWhileWaiting`.
  approved: ['provisioning', 'awaiting_approval', 'denied', 'cancelled', 'withdrawn', 'lapsed'],
  provisioning: ['active', 'failed', 'cancelled', 'withdrawn'],
  active: ['expired', 'revoked'],
  expired: ['closed'],
  revoked: ['closed'],
  hard_stopped: [],
  refused: [],
  denied: [],
  cancelled: [],
  withdrawn: [],
  lapsed: [],
  failed: [],
  closed: [],
};

const FORWARD: readonly DomainEvent['type'][] = [
  'approval_counted',
  'confirmed',
  'rerouted',
  'reroute_proposed',
  'stage_completed',
  'approved',
  'permitted',
  'provisioning_started',
  'granted',
];

const STRENGTH = ['channel', 'key', 'phishing-resistant'];

type Law = (holds: boolean, text: string) => void;

/** Returns every law that this history breaks, in words; empty if all hold. */
export function lawsBroken(world: World): readonly string[] {
  const broken: string[] = [];
  const law: Law = (holds, text) => {
    if (!holds) broken.push(text);
  };
  for (const step of world.steps) {
    followsLifecycle(step, law);
    onlyPeopleAndPolicyBringForward(step, law);
    recordsEveryAttempt(step, law);
    nothingBeginsEarly(step, law);
    deniedOnlyWhileWaiting(step, law);
    keepsWhatIsSettled(step, law);
    governorsAreNotWeaker(step, law);
    channelsAreNamed(step, law);
    if (step.after) neverWeakens(step.after, law);
    if (step.after) staysWithinLimits(step.after, law);
  }
  grantsAreJustified(world, law);
  grantsEndInTime(world, law);
  statementsCountOnce(world, law);
  return broken;
}

/** Terminal states stay terminal, and no state can be skipped. */
function followsLifecycle({ before, events, course }: Step, law: Law): void {
  let from: Status = before?.status ?? 'submitted';
  course.forEach((to, index) => {
    law(to === from || NEXT[from].includes(to), `${events[index]?.type} led from ${from} to ${to}`);
    from = to;
  });
}

/** Time, refused statements and reports from outside may end a request or report on it, never advance it. */
function onlyPeopleAndPolicyBringForward({ before, command, events }: Step, law: Law): void {
  const isAccepted = events.some((event) => event.type === 'statement_accepted');
  const bringsForward = events.map((event) => event.type).filter((type) => FORWARD.includes(type));
  if (command.type === 'consider' && isAccepted) return;
  if (command.type === 'record_assessment' && before?.status === 'assessing') return;
  if (command.type === 'record_grant' && before?.status === 'provisioning') return;
  // What is approved begins when its start has come: the only thing that time may begin.
  if (before?.status === 'approved' && hasStarted(before, command.atMs) && bringsForward.length === 1) {
    law(bringsForward[0] === 'provisioning_started', `time caused ${bringsForward[0]}`);
    return;
  }
  law(bringsForward.length === 0, `${command.type} caused ${bringsForward.join(', ')}`);
}

const startOf = (state: RequestState): number | undefined =>
  state.phase === 'unread' ? undefined : state.submission.request.notBeforeMs;
const hasStarted = (state: RequestState, atMs: number): boolean =>
  atMs >= (startOf(state) ?? Number.POSITIVE_INFINITY);

/** Nothing is carried out before the moment from which it was asked for. */
function nothingBeginsEarly({ before, command, events, after }: Step, law: Law): void {
  const state = after ?? before;
  if (state === null || !events.some(({ type }) => type === 'provisioning_started')) return;
  law(command.atMs >= (startOf(state) ?? 0), 'access began before it was to');
}

/** Who has approved may think again until the start; what has no start is settled. */
function deniedOnlyWhileWaiting({ before, events }: Step, law: Law): void {
  if (before?.status !== 'approved' || !events.some(({ type }) => type === 'denied')) return;
  law(startOf(before) !== undefined, 'an approved request was denied');
}

function recordsEveryAttempt({ command, events }: Step, law: Law): void {
  if (command.type !== 'consider') return;
  const answers = events.filter(({ type }) => type === 'statement_accepted' || type === 'statement_refused');
  law(answers.length === 1, `an attempt was recorded ${answers.length} times`);
}

function keepsWhatIsSettled({ before, after }: Step, law: Law): void {
  const [then, now] = [settledIn(before), settledIn(after)];
  for (const member of ['submission', 'digest', 'assessment', 'lease', 'ending'] as const)
    law(then[member] === undefined || then[member] === now[member], `${member} changed`);
}

const settledIn = (
  state: RequestState | null,
): Partial<Pick<GrantedState, 'submission' | 'digest' | 'assessment' | 'lease' | 'ending'>> =>
  state === null || state.phase === 'unread' ? {} : state;

/** There are as many approvers as policy demanded, all different, none of them a rescuer or a party. */
function neverWeakens(state: RequestState, law: Law): void {
  if (state.status !== 'awaiting_approval') return;
  const { assessment, pathChanges } = state;
  if (assessment.path === undefined) return;
  const unfit = [
    ...assessment.parties.map((party) => party.id),
    ...pathChanges.flatMap(({ record, endorsedBy }) => [record.by, endorsedBy]),
  ];
  const path = stagesOf(state);
  law(path.length >= assessment.path.stages.length, 'stages were dropped');
  assessment.path.stages.forEach(({ quorum, assurance }, index) => {
    const stage = path[index];
    law((stage?.quorum ?? 0) >= quorum, 'a quorum shrank');
    law(stage !== undefined && STRENGTH.indexOf(stage.assurance) >= STRENGTH.indexOf(assurance), 'weaker');
  });
  for (const stage of path) {
    const approvers = effectiveApprovers(state, stage);
    const different = new Set(approvers);
    law(different.size === stage.eligible.length, `${stage.name} has ${[...different].join(', ')} left`);
    law(!unfit.some((id) => id !== undefined && different.has(id)), `${stage.name} got someone in conflict`);
  }
}

/** Those who change a path sign as strongly as its approvers must. */
function governorsAreNotWeaker({ before, command, events }: Step, law: Law): void {
  if (command.type !== 'consider' || !command.check.verified || before === null) return;
  const { statement, assurance } = command.check.facts;
  const isTaken = events.some(({ type }) => type === 'statement_accepted');
  if (!isTaken || (statement.verb !== 'reroute' && statement.verb !== 'endorse')) return;
  for (const stage of before.phase === 'unread' ? [] : stagesOf(before))
    law(STRENGTH.indexOf(assurance) >= STRENGTH.indexOf(stage.assurance), `a weak ${statement.verb}`);
}

/** What somebody chose in a channel counts for a stage that names the channel, and is an approval or a denial. */
function channelsAreNamed({ before, command, events }: Step, law: Law): void {
  if (command.type !== 'consider' || !command.check.verified || before === null) return;
  const { statement, assurance, channel } = command.check.facts;
  if (assurance !== 'channel' || !events.some(({ type }) => type === 'statement_accepted')) return;
  law(['approve', 'deny'].includes(statement.verb), `${statement.verb} by channel`);
  const named = (before.phase === 'unread' ? [] : stagesOf(before)).filter(
    (stage) => stage.assurance === 'channel' && stage.channels?.includes(channel),
  );
  const open = before.status === 'awaiting_approval' ? before.openStage : undefined;
  law(
    named.some(({ name }) => open === undefined || open === name),
    'a channel that no stage names',
  );
}

function staysWithinLimits(state: RequestState, law: Law): void {
  law(state.statements.length <= 64, 'more than 64 statements');
  law(state.refusals.length <= 32, 'more than 32 refusals kept');
  law(state.refusals.length <= state.refusalCount, 'fewer refusals counted than kept');
  law(state.phase === 'unread' || state.pathChanges.length <= 8, 'more than 8 reroutes');
}

function grantsAreJustified({ steps, scenario, deliveries }: World, law: Law): void {
  steps.forEach(({ events, after, command: { atMs } }, index) => {
    if (!events.some((event) => event.type === 'provisioning_started')) return;
    // A start that was missed until the approvals had ended: it is on record, and failed at the same moment.
    if (after?.status === 'failed') return;
    law(!scenario.isFlawed, 'a flawed assessment was accepted');
    const accepted = deliveries.filter((delivery) => delivery.accepted && delivery.step <= index);
    for (const objection of objections({ ...scenario, accepted, atMs })) law(false, objection);
  });
}

/** Whatever the target reports, access is ordered to end by the time that everyone approved. */
function grantsEndInTime({ steps, scenario, deliveries }: World, law: Law): void {
  let endMs = Number.POSITIVE_INFINITY;
  let approvedMs = 0;
  for (const [index, { command, events, after }] of steps.entries()) {
    if (events.some((event) => event.type === 'provisioning_started')) {
      const accepted = deliveries.filter((delivery) => delivery.accepted && delivery.step <= index);
      approvedMs = shortestApproved({ ...scenario, accepted, atMs: command.atMs });
    }
    if (events.some((event) => event.type === 'granted')) endMs = command.atMs + approvedMs;
    const hasLookedAtTheClock = command.type === 'tick' || command.type === 'consider';
    if (hasLookedAtTheClock && command.atMs >= endMs)
      law(after?.status !== 'active' || after.ending !== undefined, 'a grant outlived its time');
  }
}

function statementsCountOnce({ state, deliveries }: World, law: Law): void {
  const accepted = deliveries.filter((delivery) => delivery.accepted).map(({ facts }) => facts.statement.jti);
  law(new Set(accepted).size === accepted.length, 'a statement counted twice');
  law(isDeepStrictEqual(state.seenStatementIds, accepted), 'the statements kept are not those accepted');
}
