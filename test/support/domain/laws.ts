import { isDeepStrictEqual } from 'node:util';
import type { DomainEvent } from '../../../src/domain/event';
import { currentPath, effectiveApprovers, type RequestState, type Status } from '../../../src/domain/state';
import { objections } from './officer';
import type { Step, World } from './world';

/** The lifecycle as the design has it. A transition that is not listed does not exist. */
const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  submitted: ['assessing', 'refused'],
  assessing: ['hard_stopped', 'refused', 'awaiting_approval', 'approved', 'cancelled', 'withdrawn'],
  awaiting_approval: ['approved', 'denied', 'cancelled', 'withdrawn', 'lapsed'],
  approved: ['provisioning', 'awaiting_approval', 'cancelled', 'withdrawn', 'lapsed'],
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

/** Every law that the course of this request breaks, in words; none where all hold. */
export function lawsBroken(world: World): readonly string[] {
  const broken: string[] = [];
  const law: Law = (holds, text) => {
    if (!holds) broken.push(text);
  };
  for (const step of world.steps) {
    followsLifecycle(step, law);
    onlyPeopleAndPolicyBringForward(step, law);
    recordsEveryAttempt(step, law);
    keepsWhatIsSettled(step, law);
    governorsAreNotWeaker(step, law);
    if (step.after) neverWeakens(step.after, law);
    if (step.after) staysWithinLimits(step.after, law);
  }
  grantsAreJustified(world, law);
  grantsEndInTime(world, law);
  statementsCountOnce(world, law);
  return broken;
}

/** Terminal states stay terminal, and there is no way round a state. */
function followsLifecycle({ before, events, course }: Step, law: Law): void {
  let from = before?.status ?? 'submitted';
  course.forEach((to, index) => {
    law(to === from || NEXT[from].includes(to), `${events[index]?.type} led from ${from} to ${to}`);
    from = to;
  });
}

/** Time, refused statements and reports from outside may end a request or tell of it, never bring it forward. */
function onlyPeopleAndPolicyBringForward({ before, command, events }: Step, law: Law): void {
  const isAccepted = events.some((event) => event.type === 'statement_accepted');
  const bringsForward = events.map((event) => event.type).filter((type) => FORWARD.includes(type));
  if (command.type === 'consider' && isAccepted) return;
  if (command.type === 'record_assessment' && before?.status === 'assessing') return;
  if (command.type === 'record_grant' && before?.status === 'provisioning') return;
  law(bringsForward.length === 0, `${command.type} brought about ${bringsForward.join(', ')}`);
}

function recordsEveryAttempt({ command, events }: Step, law: Law): void {
  if (command.type !== 'consider') return;
  const verdicts = events.filter(({ type }) => type === 'statement_accepted' || type === 'statement_refused');
  law(verdicts.length === 1, `an attempt was recorded ${verdicts.length} times`);
}

function keepsWhatIsSettled({ before, after }: Step, law: Law): void {
  for (const member of ['submission', 'digest', 'assessment', 'lease', 'ending'] as const)
    law(before?.[member] === undefined || before[member] === after?.[member], `${member} changed`);
}

/** As many approvers as policy asked for, all different, none of them a rescuer or a party. */
function neverWeakens(state: RequestState, law: Law): void {
  const { assessment, reroutes, switches = [] } = state;
  if (assessment?.path === undefined || state.status !== 'awaiting_approval') return;
  const unfit = [
    ...assessment.parties.map((party) => party.id),
    ...[...reroutes, ...switches].flatMap((one) => [one.by, one.endorsedBy]),
  ];
  const path = currentPath(state)?.stages ?? [];
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

/** Who changes a path signs as strongly as those must who approve on it. */
function governorsAreNotWeaker({ before, command, events }: Step, law: Law): void {
  if (command.type !== 'consider' || !command.check.verified || before === null) return;
  const { statement, assurance } = command.check.facts;
  const isTaken = events.some(({ type }) => type === 'statement_accepted');
  if (!isTaken || (statement.verb !== 'reroute' && statement.verb !== 'endorse')) return;
  for (const stage of currentPath(before)?.stages ?? [])
    law(STRENGTH.indexOf(assurance) >= STRENGTH.indexOf(stage.assurance), `a weak ${statement.verb}`);
}

function staysWithinLimits(state: RequestState, law: Law): void {
  law(state.statements.length <= 64, 'more than 64 statements');
  law(state.refusals.length <= 32, 'more than 32 refusals kept');
  law(state.refusals.length <= state.refusalCount, 'fewer refusals counted than kept');
  law(state.reroutes.length + (state.switches?.length ?? 0) <= 8, 'more than 8 reroutes');
}

function grantsAreJustified({ steps, scenario, deliveries }: World, law: Law): void {
  steps.forEach(({ events, command: { atMs } }, index) => {
    if (!events.some((event) => event.type === 'provisioning_started')) return;
    law(!scenario.isFlawed, 'a flawed assessment was let through');
    const accepted = deliveries.filter((delivery) => delivery.accepted && delivery.step <= index);
    for (const objection of objections({ ...scenario, accepted, atMs })) law(false, objection);
  });
}

/** Whatever the target reported, access is ordered to end by the time that was approved. */
function grantsEndInTime({ steps, scenario }: World, law: Law): void {
  let endMs = Number.POSITIVE_INFINITY;
  for (const { command, events, after } of steps) {
    if (events.some((event) => event.type === 'granted')) endMs = command.atMs + scenario.request.durationMs;
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
