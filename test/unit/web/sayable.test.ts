import { type Deciding, Decisions, formsOf } from '../../../src/web/parts/decide';
import type { Visitor } from '../../../src/web/sessions';
import { sayable } from '../../../src/web/verbs';
import { aRequest, DAY, HOUR, leads, needsApproval, START } from '../../support/domain/builders';
import { assess, saysAbout, submit } from '../../support/domain/commands';
import { LEAD_1, LEAD_2, LEAD_3, standingOf } from '../../support/domain/people';
import { stateAfter } from '../../support/domain/specification';

const visitorOf = (person: string): Visitor =>
  ({
    person,
    standing: standingOf(person),
    passkey: { keyId: `key-of-${person}`, assurance: 'phishing-resistant', channel: 'browser' },
  }) as Visitor;
const request = aRequest({ notBeforeMs: START + 20 * HOUR });
const asked = (approvalsCountForMs?: number) => [
  submit(request),
  assess(
    needsApproval(undefined, {
      path: {
        name: 'ledger-write',
        ...(approvalsCountForMs !== undefined && { approvalsCountForMs }),
        stages: [leads()],
      },
    }),
  ),
];
// Who only decides is offered no reroute, so the bundle is not looked into.
const bundle = {} as Deciding['bundle'];
const page = (state: ReturnType<typeof stateAfter>, person: string): string => {
  const visitor = visitorOf(person);
  const forms = formsOf({ state, visitor, bundle, nowMs: START });
  return String(Decisions({ forms, state, visitor }));
};

describe('WEB-4 what the page of a request offers', () => {
  test('an approval of access that begins later, and one for less time than was asked', () => {
    const form = page(stateAfter(...asked()), LEAD_1);
    expect(form).toContain('name="durationMs"');
    expect(form).toContain('max="2"');
    expect(form).toContain(`data-life="${DAY / 1_000}"`);
  });

  test('an approval that counts for as long as its path says, and a denial for a day', () => {
    const lives = [...page(stateAfter(...asked(3 * DAY)), LEAD_1).matchAll(/data-life="(\d+)"/g)];
    expect(lives.map(([, life]) => Number(life) * 1_000)).toEqual([3 * DAY, DAY]);
  });

  test('a denial, and no approval, while what was approved waits for its start', () => {
    const approved = stateAfter(
      ...asked(),
      saysAbout(request, LEAD_1, 'approve'),
      saysAbout(request, LEAD_2, 'approve'),
    );
    for (const person of [LEAD_1, LEAD_3])
      expect(sayable(approved, visitorOf(person), START)).toEqual(['deny']);
  });
});
