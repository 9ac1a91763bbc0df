import type { Assessment } from '../../../src/domain/assessment';
import { strictestOf } from '../../../src/domain/strictest';
import { DAY, HOUR, leads, MINUTE, needsApproval, START } from '../../support/domain/builders';
import { at, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { evidence, kept, proofResult } from '../../support/domain/evidence';
import { LEAD_1, LEAD_2, PROCESS_OWNER, SPONSOR } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory } from '../../support/domain/ports';
import { given, stateAfter } from '../../support/domain/specification';

const patient = leads({ remindAfterMs: 9 * DAY, escalateAfterMs: 9 * DAY, expireAfterMs: 10 * DAY });
const counting = (approvalsCountForMs?: number, changes: Partial<Assessment> = {}) =>
  needsApproval(undefined, {
    path: {
      name: 'ledger-write',
      ...(approvalsCountForMs !== undefined && { approvalsCountForMs }),
      stages: [patient],
    },
    ...changes,
  });
const lapsesAfter = (approvalsCountForMs: number | undefined, lifeMs: number) => {
  const history = [
    ...awaitingApproval(counting(approvalsCountForMs)),
    says(LEAD_1, 'approve', madeAt(0, lifeMs)),
  ];
  const [approval] = stateAfter(...history).approvals;
  return approval === undefined ? undefined : approval.expiresAtMs - START;
};

describe('TTA-3 how long an approval counts is said by its path', () => {
  it.each([
    [undefined, DAY, DAY],
    [undefined, DAY + 1, undefined],
    [7 * DAY, 7 * DAY, 7 * DAY],
    [7 * DAY, 7 * DAY + 1, undefined],
    [3 * DAY, 7 * DAY, 3 * DAY],
    [3 * DAY, HOUR, HOUR],
    [4 * HOUR, DAY, 4 * HOUR],
    [4 * HOUR, HOUR, HOUR],
  ])('where the path says %p, a statement of %p counts for %p', (saysMs, lifeMs, countsMs) => {
    expect(lapsesAfter(saysMs, lifeMs)).toBe(countsMs);
  });

  it('says so of the statement that lives too long, in the words of before where the path says nothing', () => {
    for (const [path, words] of [
      [counting(), 'the statement may live 24 hours at most'],
      [counting(7 * DAY), 'the statement may live 168 hours at most'],
    ] as const) {
      const { events } = given(...awaitingApproval(path)).when(says(LEAD_1, 'approve', madeAt(0, 8 * DAY)));
      expect(events).toEqual([expect.objectContaining({ refusal: { code: 'MALFORMED', detail: words } })]);
    }
  });

  it('is refused where it was signed so long ago that it counts no more', () => {
    given(...awaitingApproval(counting(4 * HOUR)))
      .when(at(4 * HOUR, says(LEAD_1, 'approve', madeAt(0, DAY))))
      .thenRefused('EXPIRED_STATEMENT');
  });

  it('goes for confirmations, and for nothing else that is signed', () => {
    const confirmed = counting(3 * DAY, { confirmation: { by: [SPONSOR], before: 'execution' } });
    given(...awaitingApproval(confirmed))
      .when(says(SPONSOR, 'confirm', madeAt(0, 3 * DAY)))
      .thenFollows({ type: 'confirmed', expiresAtMs: START + 3 * DAY });
    given(...awaitingApproval(confirmed))
      .when(says(PROCESS_OWNER, 'cancel', madeAt(0, DAY + 1)))
      .thenRefused('MALFORMED');
  });

  it('two approvals days apart fill a stage together', () => {
    given(...awaitingApproval(counting(3 * DAY)), says(LEAD_1, 'approve', madeAt(0, 3 * DAY)))
      .when(at(2 * DAY, says(LEAD_2, 'approve', madeAt(2 * DAY, DAY))))
      .andIs('provisioning');
    given(...awaitingApproval(counting(3 * DAY)), says(LEAD_1, 'approve', madeAt(0, 3 * DAY)))
      .when(at(3 * DAY, timePasses))
      .thenFollows('approval_lapsed');
  });

  it('a path that lets them count for more than seven days is not sound', () => {
    expect(stateAfter(...awaitingApproval(counting(7 * DAY))).status).toBe('awaiting_approval');
    expect(stateAfter(...awaitingApproval(counting(7 * DAY + 1))).status).toBe('refused');
  });
});

describe('TTA-6 the act goes by the shorter of what the path said then and says today', () => {
  const friday = evidence({
    assessment: counting(3 * DAY),
    statements: [kept(LEAD_1, 'approve', madeAt(0, 3 * DAY)), kept(LEAD_2, 'approve', madeAt(0, 3 * DAY))],
  });
  const by = (assessment: Assessment) => ({ policy: new PolicyInMemory(assessment) });

  it('on Monday, judged again by everything of Monday', async () => {
    const monday = { afterMs: 3 * DAY - MINUTE, ...by(counting(3 * DAY)) };
    expect(await proofResult(friday, monday)).toBe('authorised');
    const left = new DirectoryInMemory({ [LEAD_1]: { groups: [] } });
    expect(await proofResult(friday, { ...monday, directory: left })).toBe('NOT_ELIGIBLE');
    expect(await proofResult(friday, { ...monday, afterMs: 3 * DAY })).not.toBe('authorised');
  });

  it('and not where the path has become stricter since, or the record claims what policy never said', async () => {
    for (const today of [counting(), counting(2 * DAY)]) {
      expect(await proofResult(friday, { afterMs: 2 * DAY, ...by(today) })).not.toBe('authorised');
      expect(await proofResult(friday, { afterMs: DAY - 1, ...by(today) })).toBe('authorised');
    }
  });

  it('the stricter path keeps the bytes of before where neither says anything', () => {
    const strictest = strictestOf(counting(), counting());
    expect(strictest.ok && strictest.value.path).not.toHaveProperty('approvalsCountForMs');
    const shorter = strictestOf(counting(), counting(3 * DAY));
    expect(shorter.ok && shorter.value.path?.approvalsCountForMs).toBe(DAY);
  });
});
