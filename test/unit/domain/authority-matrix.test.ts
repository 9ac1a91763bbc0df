import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { RefusalCode } from '../../../src/domain/refusal';
import { VERBS, type Verb } from '../../../src/domain/statement';
import { DAY, HOUR, leads, needsApproval, stopped } from '../../support/domain/builders';
import {
  accessEnded,
  assess,
  at,
  granted,
  notProvisioned,
  says,
  submit,
  timePasses,
} from '../../support/domain/commands';
import {
  BENEFICIARY,
  BYSTANDER,
  DELEGATE,
  DELEGATOR,
  DEPUTY,
  DISABLED_LEAD,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  OWNER,
  POLICY_ADMIN,
  PROCESS_OWNER,
  RECORDER,
  REQUESTER,
  REVIEWER,
  ROGUE_BOT,
  SECOPS,
  SPONSOR,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
} from '../../support/domain/people';
import { stateAfter } from '../../support/domain/specification';
import { replacing } from '../../support/domain/statements';

/*
 * Who may do what, and when, as requirements.md has it (OVR-1 to OVR-3, OVR-8 to OVR-10, TTA-4, TTA-7, EMG-3): approve, deny
 * and confirm are for those whom policy asks, reroute and endorse for governance that stands apart, cancel for process
 * owners, withdraw for the requester, revoke for whoever answers for the grant, review for an independent reviewer; none
 * of them is for the parties, and but for withdraw and revoke none is for a machine. Two tables say it: what someone is to a request decides which verbs are theirs, and the
 * state of the request decides which verbs have their time. A statement is accepted where both say yes; whatever else
 * is said by anybody at any time is refused.
 */

const RELATIONS: Readonly<Record<string, string>> = {
  requester: REQUESTER,
  beneficiary: BENEFICIARY,
  sponsor: SPONSOR,
  owner: OWNER,
  delegator: DELEGATOR,
  'approver to decide': LEAD_2,
  'approver who decided': LEAD_3,
  'approver replaced': LEAD_1,
  replacement: SUBSTITUTE_1,
  'delegate of an approver': DEPUTY,
  'rescuer (IAM)': IAM,
  'second governor (SecOps)': SECOPS,
  'policy administrator': POLICY_ADMIN,
  'governance delegate': DELEGATE,
  'process owner': PROCESS_OWNER,
  reviewer: REVIEWER,
  bystander: BYSTANDER,
  'bot with every role': ROGUE_BOT,
  'keeper of the record': RECORDER,
  'disabled person': DISABLED_LEAD,
};

/** `yes`, or why not, asked at the best time for the verb. */
const AUTHORITY = table(`
                          | approve   deny      confirm   reroute   endorse   cancel    withdraw  revoke    review    report
requester                 | human     human     human     human     human     human     yes       yes       human    eligible
beneficiary               | human     human     human     human     human     human     eligible  yes       human    eligible
sponsor                   | conflict  conflict  yes       govern    govern    govern    eligible  yes       conflict  eligible
owner                     | conflict  conflict  eligible  govern    govern    govern    eligible  yes       conflict  eligible
delegator                 | conflict  conflict  eligible  govern    govern    govern    eligible  yes       conflict  eligible
approver to decide        | yes       yes       eligible  govern    govern    govern    eligible  yes       conflict  eligible
approver who decided      | now       yes       eligible  govern    govern    govern    eligible  yes       conflict  eligible
approver replaced         | eligible  eligible  eligible  govern    govern    govern    eligible  eligible  eligible  eligible
replacement               | yes       yes       eligible  govern    govern    govern    eligible  eligible  eligible  eligible
delegate of an approver   | yes       yes       eligible  govern    govern    govern    eligible  eligible  eligible  eligible
rescuer (IAM)             | conflict  conflict  eligible  yes       conflict  govern    eligible  yes       conflict  eligible
second governor (SecOps)  | conflict  conflict  eligible  yes       yes       govern    eligible  yes       conflict  eligible
policy administrator      | eligible  eligible  eligible  yes       yes       govern    eligible  eligible  eligible  eligible
governance delegate       | eligible  eligible  eligible  yes       yes       govern    eligible  eligible  eligible  eligible
process owner             | eligible  eligible  eligible  govern    govern    yes       eligible  yes       eligible  eligible
reviewer                  | eligible  eligible  eligible  govern    govern    govern    eligible  eligible  yes      eligible
bystander                 | eligible  eligible  eligible  govern    govern    govern    eligible  eligible  eligible  eligible
bot with every role       | human     human     human     human     human     human     eligible  eligible  human    eligible
keeper of the record      | human     human     human     human     human     human     eligible  eligible  human     now
disabled person           | disabled  disabled  disabled  disabled  disabled  disabled  disabled  disabled  disabled  disabled
`);

const CODES: Readonly<Record<string, RefusalCode>> = {
  human: 'NOT_HUMAN',
  conflict: 'CONFLICTED',
  eligible: 'NOT_ELIGIBLE',
  govern: 'NOT_GOVERNANCE',
  disabled: 'DISABLED_IDENTITY',
  now: 'NOT_NOW',
};

/** Which verbs have their time in which state. */
const TIME = table(`
                          | approve   deny      confirm   reroute   endorse   cancel    withdraw  revoke    review    report
assessing                 | -         -         -         -         -         yes       yes       -         -         -
awaiting approval         | yes       yes       yes       yes       -         yes       yes       -         -         -
awaiting an endorsement   | yes       yes       yes       -         yes       yes       yes       -         -         -
awaiting a confirmation   | -         -         yes       -         -         yes       yes       -         -         -
provisioning              | -         -         -         -         -         yes       yes       -         -         -
active                    | -         -         -         -         -         -         -         yes       yes         -
ending                    | -         -         -         -         -         -         -         -         yes         -
expired, review overdue   | -         -         -         -         -         -         -         -         yes         -
closed                    | -         -         -         -         -         -         -         -         -         -
hard stopped              | -         -         -         -         -         -         -         -         -         -
refused                   | -         -         -         -         -         -         -         -         -         -
denied                    | -         -         -         -         -         -         -         -         -         -
denied, review owed       | -         -         -         -         -         -         -         -         yes       -
cancelled                 | -         -         -         -         -         -         -         -         -         -
withdrawn                 | -         -         -         -         -         -         -         -         -         -
lapsed                    | -         -         -         -         -         -         -         -         -         -
failed                    | -         -         -         -         -         -         -         -         -         -
`);

/** The state in which each verb is at its best time. */
const BEST_TIME: Readonly<Record<Verb, string>> = {
  approve: 'awaiting approval',
  deny: 'awaiting approval',
  confirm: 'awaiting a confirmation',
  reroute: 'awaiting approval',
  endorse: 'awaiting an endorsement',
  cancel: 'awaiting approval',
  withdraw: 'awaiting approval',
  revoke: 'active',
  review: 'active',
  report: 'active',
};

const assessment = needsApproval([leads({ delegations: [{ from: LEAD_2, to: DEPUTY }] })], {
  privileged: true,
  confirmation: { by: [SPONSOR], before: 'execution' },
  reviewWithinMs: DAY,
});
const now = { revision: 1 };

const awaiting = [
  submit(),
  assess(assessment),
  says(LEAD_3, 'approve'),
  says(IAM, 'reroute', { jti: 'first', ...replacing(LEAD_1, SUBSTITUTE_1) }),
  says(SECOPS, 'endorse', { endorses: 'first' }),
];
const byEmergency = [
  submit(),
  assess(assessment),
  says(IAM, 'reroute', {
    jti: 'first',
    emergencyCondition: 'nobody-answers',
    ...replacing(LEAD_1, SUBSTITUTE_1),
  }),
  says(SECOPS, 'endorse', { endorses: 'first' }),
];
const proposed = [
  ...awaiting,
  says(IAM, 'reroute', { jti: 'second', ...now, ...replacing(LEAD_2, SUBSTITUTE_2) }),
];
const approved = [...awaiting, says(LEAD_2, 'approve', now)];
const provisioning = [...approved, says(SPONSOR, 'confirm', now)];
const active = [...provisioning, granted()];
const ending = [...active, says(SECOPS, 'revoke')];
const overdue = [...active, at(2 * HOUR, timePasses), at(2 * HOUR, accessEnded), at(DAY, timePasses)];

const STATES: Readonly<Record<string, readonly Command[]>> = {
  assessing: [submit()],
  'awaiting approval': awaiting,
  'awaiting an endorsement': proposed,
  'awaiting a confirmation': approved,
  provisioning,
  active,
  ending,
  'expired, review overdue': overdue,
  closed: [...ending, accessEnded, says(REVIEWER, 'review')],
  'hard stopped': [submit(), assess(stopped('hard_stop'))],
  refused: [submit(), assess(stopped('refuse'))],
  denied: [...awaiting, says(LEAD_2, 'deny', now)],
  'denied, review owed': [...byEmergency, says(LEAD_2, 'deny', now)],
  cancelled: [...awaiting, says(PROCESS_OWNER, 'cancel')],
  withdrawn: [...awaiting, says(REQUESTER, 'withdraw')],
  lapsed: [...awaiting, at(8 * HOUR, timePasses)],
  failed: [...provisioning, notProvisioned],
};

const statesReached = new Map(Object.values(STATES).map((history) => [history, stateAfter(...history)]));

/** What comes of it when someone says a verb, well-formed and fresh, in a state: `yes`, or the refusal. */
function answer(history: readonly Command[], who: string, verb: Verb): RefusalCode | 'yes' {
  const state = statesReached.get(history) ?? stateAfter(...history);
  const claims = {
    jti: 'the-statement',
    revision: state.revision,
    endorses: 'second',
    outcome: 'redeemed' as const,
    ...replacing(LEAD_2, SUBSTITUTE_2),
  };
  const events = decide(state, says(who, verb, claims));
  const refusal = events.find((event) => event.type === 'statement_refused');
  return refusal?.type === 'statement_refused' ? refusal.refusal.code : 'yes';
}

it('the tables leave nobody and no state out', () => {
  expect(Object.keys(AUTHORITY)).toEqual(Object.keys(RELATIONS));
  expect(Object.keys(TIME)).toEqual(Object.keys(STATES));
});

describe('TTA-7, OVR-1, OVR-2, OVR-3, OVR-10 who may do what', () => {
  it.each(Object.entries(RELATIONS))('%s', (relation, who) => {
    const answers = VERBS.map((verb) => [verb, answer(STATES[BEST_TIME[verb]] ?? [], who, verb)]);
    const expected = VERBS.map((verb) => {
      const word = AUTHORITY[relation]?.[verb] ?? '';
      return [verb, CODES[word] ?? word];
    });
    expect(answers).toEqual(expected);
  });
});

describe('OVR-1, OVR-10, OVR-11 when it has its time', () => {
  it.each(Object.entries(STATES))('%s', (state, history) => {
    const accepted = (accepts: (relation: string, who: string, verb: Verb) => boolean) =>
      Object.entries(RELATIONS).flatMap(([relation, who]) =>
        VERBS.filter((verb) => accepts(relation, who, verb)).map((verb) => `${relation} may ${verb}`),
      );
    expect(accepted((_, who, verb) => answer(history, who, verb) === 'yes')).toEqual(
      accepted((relation, _, verb) => AUTHORITY[relation]?.[verb] === 'yes' && TIME[state]?.[verb] === 'yes'),
    );
  });
});

/** Reads a table of words: columns are verbs, lines are named before the bar. */
function table(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const [head = [], ...lines] = text
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) => {
      const [name = '', cells = ''] = line.split('|');
      return [name.trim(), ...cells.trim().split(/\s+/)];
    });
  return Object.fromEntries(
    lines.map(([name = '', ...cells]) => [
      name,
      Object.fromEntries(cells.map((cell, at) => [head[at + 1], cell])),
    ]),
  );
}
