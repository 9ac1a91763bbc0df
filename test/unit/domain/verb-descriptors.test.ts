import { LIMITS } from '../../../src/domain/limits';
import { accepted } from '../../../src/domain/refusal';
import type { RequestState } from '../../../src/domain/state';
import { VERBS } from '../../../src/domain/statement';
import { VERB_DESCRIPTORS } from '../../../src/domain/verbs';
import { defineVerb, type VerbDescriptor } from '../../../src/domain/verbs/descriptor';
import { judge } from '../../../src/domain/verbs/judge';
import { leads, needsApproval, START } from '../../support/domain/builders';
import { assess, submit } from '../../support/domain/commands';
import { BYSTANDER, LEAD_1, RECORDER, REQUESTER, ROGUE_BOT } from '../../support/domain/people';
import { stateAfter } from '../../support/domain/specification';
import { aStatement, verified } from '../../support/domain/statements';

const waiting = stateAfter(submit(), assess(needsApproval([leads()])));

/** A verb that somebody has just invented: it says what it is for and what it does, and nothing else. */
const pause = defineVerb({
  purpose: 'stop the clock of a request',
  rule: (_state, { signer }, atMs) => accepted([{ type: 'withdrawn', atMs, by: signer.id }]),
});

/** Judges a statement by the invented verb. Its name in the statement does not matter then. */
function answerTo(who: string, verb: VerbDescriptor, state: RequestState = waiting, revision = 0) {
  const answer = judge(state, verified(aStatement('withdraw', who, { revision })), START, verb);
  return answer.ok ? 'accepted' : answer.refusal.code;
}

/** A request for which so many statements count already. */
const holding = (count: number): RequestState => ({
  ...waiting,
  statements: Array.from({ length: count }, () => ({
    envelope: { format: 'jws' as const, jws: '' },
    receivedAtMs: START,
  })),
});

describe('a verb that says nothing else', () => {
  it('TTA-7 is for people only', () => {
    expect(answerTo(BYSTANDER, pause)).toBe('accepted');
    for (const machine of [REQUESTER, ROGUE_BOT, RECORDER])
      expect(answerTo(machine, pause)).toBe('NOT_HUMAN');
  });

  it('speaks about no path, so its signer need not have seen the current one', () => {
    expect(answerTo(BYSTANDER, pause, waiting, 7)).toBe('accepted');
    expect(answerTo(BYSTANDER, defineVerb({ ...pause, speaksAboutPath: true }), waiting, 7)).toBe(
      'STALE_PATH',
    );
  });

  it('gets none of the room that is kept for statements that close', () => {
    const { acceptedStatements, closingStatements } = LIMITS;
    const full = acceptedStatements - closingStatements;
    expect(answerTo(BYSTANDER, pause, holding(full - 1))).toBe('accepted');
    expect(answerTo(BYSTANDER, pause, holding(full))).toBe('RATE_LIMITED');
    expect(answerTo(BYSTANDER, defineVerb({ ...pause, closes: true }), holding(full))).toBe('accepted');
  });

  it('carries no claims of its own', () => {
    expect(pause.claims).toEqual({});
  });

  it('TTA-7, TTA-4 gets nothing that a verb has to name', () => {
    expect(defineVerb({ purpose: 'stop the clock', rule: pause.rule })).toMatchObject({
      openTo: 'people',
      ...{ speaksAboutPath: false, speaksAboutStage: false, openToChannels: false },
      ...{ grantRestsOnIt: false, closes: false },
    });
  });
});

describe('what verbs say of themselves', () => {
  it('TTA-7 only the verbs that give access back or report are open to machines', () => {
    const open = VERBS.filter((verb) => VERB_DESCRIPTORS[verb].openTo !== 'people');
    expect(open).toEqual(['withdraw', 'revoke', 'report']);
  });

  it('what machines send takes at most half of the room', () => {
    const half = defineVerb({ ...pause, openTo: 'machines' });
    expect(answerTo(RECORDER, half, holding(LIMITS.acceptedStatements / 2 - 1))).toBe('accepted');
    expect(answerTo(RECORDER, half, holding(LIMITS.acceptedStatements / 2))).toBe('RATE_LIMITED');
  });

  it('names what each is for in one short line', () => {
    for (const verb of VERBS) expect(VERB_DESCRIPTORS[verb].purpose).toMatch(/^[a-z][^.]{10,90}$/);
  });

  it('a statement that speaks about a stage speaks about the path', () => {
    for (const verb of VERBS.map((name) => VERB_DESCRIPTORS[name]))
      if (verb.speaksAboutStage) expect(verb.speaksAboutPath).toBe(true);
    expect(answerTo(LEAD_1, VERB_DESCRIPTORS.approve, waiting, 7)).toBe('STALE_PATH');
  });
});
