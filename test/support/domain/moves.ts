import { awaited, stagesOf } from '../../../src/domain/stages';
import { type Statement, VERBS, type Verb } from '../../../src/domain/statement';
import type { Status } from '../../../src/domain/status';
import { aLease, DAY, HOUR, MINUTE } from './builders';
import { Dice } from './dice';
import {
  DELEGATE,
  EVERYBODY,
  IAM,
  LEAD_IN_SECURITY,
  POLICY_ADMIN,
  PROCESS_OWNER,
  REQUESTER,
  REVIEWER,
  SECOPS,
  SPONSOR,
  STANDBY,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
} from './people';
import { aStatement, switchingTo } from './statements';
import type { World } from './world';

/** Something that may happen to a request. Likely events are listed several times. */
type Move = (world: World, dice: Dice) => void;

const GOVERNORS = [IAM, SECOPS, POLICY_ADMIN, DELEGATE];
const refusal = { code: 'TARGET_REFUSED', detail: 'the target is down' } as const;

const approves: Move = (world, dice) =>
  says(world, dice, awaitedPerson(world, dice), 'approve', {
    ...(dice.chance(6) && { durationMs: dice.pick([HOUR, 30 * MINUTE, 2 * HOUR, 3 * HOUR]) }),
  });
const confirms: Move = (world, dice) => says(world, dice, SPONSOR, 'confirm');
const reroutes: Move = (world, dice) => {
  const by = dice.pick(GOVERNORS);
  const replace = awaitedPerson(world, dice);
  const candidates = [SUBSTITUTE_1, SUBSTITUTE_2, SUBSTITUTE_1, LEAD_IN_SECURITY, dice.pick(EVERYBODY)];
  const untilMs = world.nowMs + dice.pick([2 * HOUR, 30 * MINUTE, 6 * HOUR]);
  if (dice.chance(5)) {
    const path = dice.pick(['by-the-chiefs', 'by-the-chiefs', 'by-the-chiefs', 'by-nobody']);
    return says(world, dice, by, 'reroute', switchingTo(path, untilMs));
  }
  if (dice.chance(5)) {
    const condition = { emergencyCondition: dice.pick(['nobody-answers', 'nobody-answers', 'in-a-hurry']) };
    const replacement = { replace, with: dice.pick([STANDBY, SUBSTITUTE_1]), untilMs };
    return says(world, dice, by, 'reroute', { replacement, ...condition });
  }
  says(world, dice, by, 'reroute', { replacement: { replace, with: dice.pick(candidates), untilMs } });
};
const endorses: Move = (world, dice) => {
  const proposed = world.state.pathChanges.find(({ phase }) => phase === 'proposed');
  if (proposed === undefined && !dice.chance(4)) return approves(world, dice);
  says(world, dice, dice.pick(GOVERNORS), 'endorse', { endorses: proposed?.record.jti ?? 'nothing' });
};
const anyoneSaysAnything: Move = (world, dice) => {
  const who = dice.pick(EVERYBODY);
  says(world, dice, who, dice.pick(VERBS), { replacement: someReplacement(world, dice) });
};
const repeats: Move = (world, dice) => {
  if (world.deliveries.length > 0) world.send(dice.pick(world.deliveries).facts);
};
const timePasses: Move = (world, dice) =>
  world.pass(dice.pick([MINUTE, 10 * MINUTE, HOUR, MINUTE, 3 * HOUR, MINUTE, HOUR, 9 * HOUR, 25 * HOUR]));
const granted: Move = (world, dice) => {
  const grantedAtMs = world.nowMs + dice.pick([0, 0, 0, DAY]);
  const expiresAtMs =
    grantedAtMs + world.scenario.request.durationMs + dice.pick([0, 0, 400 * DAY, Number.NaN]);
  const end = dice.chance(5) ? { end: dice.pick(['expired', 'revoked'] as const) } : {};
  world.tell({
    type: 'record_grant',
    atMs: world.nowMs,
    lease: aLease({ grantedAtMs, expiresAtMs }),
    ...end,
  });
};
const ends: Move = (world, dice) => {
  const [who, verb] = dice.pick([
    [someApprover(world, dice), 'deny'],
    [PROCESS_OWNER, 'cancel'],
    [REQUESTER, 'withdraw'],
    [SECOPS, 'revoke'],
  ] as const);
  says(world, dice, who, verb);
};
const reviews: Move = (world, dice) => says(world, dice, REVIEWER, 'review');
const actsOnTarget: Move = (world, dice) => {
  const { nowMs: atMs } = world;
  const endedAtMs = atMs + dice.pick([0, -HOUR, DAY, Number.NaN]);
  const ending = { end: dice.pick(['expired', 'revoked'] as const), atMs: endedAtMs };
  const commands = [
    { type: 'record_access_ended', atMs },
    { type: 'record_barred', atMs },
    { type: 'record_access_ended', atMs, ending },
    { type: 'record_barred', atMs, held: { lease: aLease(), endedAtMs } },
    { type: 'record_provisioning_refusal', atMs, refusal },
    { type: 'record_dropped', atMs, count: 2 },
  ] as const;
  world.tell(dice.pick(commands));
};
const intrudes: Move = (world, dice) => {
  const { nowMs: atMs } = world;
  if (dice.chance(2)) world.assess(dice.chance(2));
  else world.tell({ type: 'consider', atMs, check: { verified: false, attempt: { refusal } } });
};

/** Likely next events are listed more often. Anything else may happen at any time, too. */
const LIKELY: Readonly<Partial<Record<Status, readonly Move[]>>> = {
  awaiting_approval: [approves, approves, approves, confirms, reroutes, endorses, timePasses, reroutes],
  approved: [confirms, confirms, timePasses, timePasses, timePasses, ends],
  provisioning: [granted, granted, granted, timePasses, actsOnTarget],
  active: [timePasses, ends, reviews, actsOnTarget, actsOnTarget],
  expired: [reviews, timePasses],
  revoked: [reviews, timePasses],
};
const ANYTHING: readonly Move[] = [
  anyoneSaysAnything,
  anyoneSaysAnything,
  timePasses,
  repeats,
  intrudes,
  actsOnTarget,
  granted,
  approves,
  confirms,
  endorses,
  ends,
];

/** Applies one generated number to the world. The first is the assessment, nearly always of a known requester. */
export function happens(world: World, word: number): void {
  const dice = new Dice(word);
  const { status } = world.state;
  if (status === 'assessing' && !dice.chance(6)) world.assess(!dice.chance(24));
  else dice.pick((dice.chance(4) ? undefined : LIKELY[status]) ?? ANYTHING)(world, dice);
}

/** Usually one of those who are awaited, sometimes anyone. */
function awaitedPerson({ state }: World, dice: Dice): string {
  const people = awaited(state);
  return dice.pick(people.length === 0 || dice.chance(8) ? EVERYBODY : people);
}

/** Somebody who decides it now, or could have: those of every stage may deny what is approved and has not begun. */
function someApprover(world: World, dice: Dice): string {
  const eligible = stagesOf(world.state).flatMap((stage) => stage.eligible);
  return world.state.status === 'approved' && eligible.length > 0
    ? dice.pick(eligible)
    : awaitedPerson(world, dice);
}

function someReplacement(world: World, dice: Dice) {
  return { replace: awaitedPerson(world, dice), with: dice.pick(EVERYBODY), untilMs: world.nowMs + HOUR };
}

/** A realistic statement; one in eight has a flaw. */
function says(world: World, dice: Dice, who: string, verb: Verb, claims: Partial<Statement> = {}): void {
  const lifeMs = dice.pick([DAY, 2 * HOUR, DAY, 15 * MINUTE, 2 * DAY]);
  const sound = aStatement(
    verb,
    who,
    {
      jti: `statement-${world.deliveries.length}`,
      issuedAtMs: world.nowMs,
      expiresAtMs: world.nowMs + lifeMs,
      revision: world.state.revision,
      ...claims,
    },
    world.scenario.request,
  );
  if (dice.chance(8)) world.deliver({ ...sound, ...defect(world, dice) });
  else world.deliver(sound, world.isSealed ? {} : wayOf(dice));
}

/** Key and channel of a statement if the directory does not say. */
const wayOf = (dice: Dice) => ({
  assurance: dice.pick(['key', 'phishing-resistant', 'key', 'key', 'key', 'channel'] as const),
  channel: dice.pick(['cli', 'slack', 'slack', 'agent-protocol']),
});

function defect({ nowMs, state, deliveries }: World, dice: Dice): Partial<Statement> {
  const defects: readonly Partial<Statement>[] = [
    { digest: 'sha-256:another' },
    { request: 'request-0002' },
    { revision: state.revision + 1 },
    { revision: Math.max(0, state.revision - 1) },
    { issuedAtMs: nowMs - HOUR, expiresAtMs: nowMs },
    { issuedAtMs: nowMs + HOUR, expiresAtMs: nowMs + 2 * HOUR },
    { issuedAtMs: nowMs, expiresAtMs: nowMs + 30 * DAY },
    { jti: `statement-${dice.roll(Math.max(1, deliveries.length))}` },
    { stage: 'security' },
    { stage: 'leads' },
  ];
  return dice.pick(defects);
}
