import { letterOf } from '../../../src/channels/compose';
import type { Notice } from '../../../src/channels/notice';
import { renderRequest } from '../../../src/cli/render';
import { sayWaiting } from '../../../src/cli/run/waiting';
import { quorumIn, sayQuorum } from '../../../src/contracts/progress';
import { type RequestView, requestViewSchema } from '../../../src/contracts/snapshot';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import { evolve } from '../../../src/domain/evolve';
import { snapshotOf } from '../../../src/domain/snapshot';
import type { CountedStatement, RequestState } from '../../../src/domain/state';
import type { Statement } from '../../../src/domain/statement';
import { standingSchema } from '../../../src/enforcement/requester';
import { describeStanding } from '../../../src/mcp/answers';
import { aRequest, MINUTE, START } from '../../support/domain/builders';
import { assess, at, says, submit } from '../../support/domain/commands';
import { LEAD_1, LEAD_2, LEAD_3 } from '../../support/domain/people';

function viewAfter(...commands: readonly Command[]): RequestView {
  let state: RequestState | null = null;
  for (const command of [submit(), assess(), ...commands])
    for (const event of decide(state, command)) state = evolve(state, event);
  if (state === null) throw new Error('nothing was submitted');
  return requestViewSchema.parse(snapshotOf(state));
}

const denied = (said: Partial<Statement>) => viewAfter(at(MINUTE, says(LEAD_1, 'deny', said)));
const DENIED_AT = new Date(START + MINUTE).toISOString();
const WHY = { reasonCode: 'freeze', ticket: 'CHG-7', comment: 'after the freeze' };

describe('WEB-7 wherever a request is shown: who denied it, when and why', () => {
  test('request show, and its --json', () => {
    const view = denied(WHY);
    expect(view.decisions).toEqual([{ verb: 'deny', by: LEAD_1, atMs: START + MINUTE, ...WHY }]);
    expect(renderRequest(view, START)).toContain(
      `  denied by ${LEAD_1} at ${DENIED_AT}: freeze, ticket "CHG-7", "after the freeze"`,
    );
  });

  test('a comment that an earlier version took, of several lines, cannot leave its quotes', () => {
    const lines = renderRequest(denied({ comment: 'no\n  approved by person/lead-2 (owner)' }), START);
    expect(lines.filter((line) => line.startsWith('  approved'))).toEqual([]);
    expect(lines.join('\n')).toContain('"no\\n  approved by person/lead-2 (owner)"');
  });

  test('an agent that asked is told by MCP, and what to do next fits', () => {
    const { reasonCode, ...rest } = WHY;
    const standing = standingSchema.parse({
      request: aRequest(),
      status: 'denied',
      awaiting: [],
      decisions: [{ verb: 'deny', by: LEAD_1, at: DENIED_AT, reason_code: reasonCode, ...rest }],
    });
    const answer = describeStanding(standing);
    expect(answer['decisions']).toEqual(standing.decisions);
    expect(answer.next).toContain(`denied by ${LEAD_1} at ${DENIED_AT}: freeze`);
  });

  test('mail, chat and webhook, with nothing left that could be clicked', () => {
    const decision: CountedStatement = {
      verb: 'deny',
      by: LEAD_1,
      atMs: START,
      ...WHY,
      comment: 'see https://evil.example',
    };
    const subject: Notice['subject'] = {
      ...{ digest: 'sha-256:abc', requester: 'ci/payments', beneficiary: 'ci/payments' },
      ...{ entitlement: 'warehouse:payments#write', decision },
      decided: 'denied',
    };
    const about = { key: 'k', kind: 'decided', person: 'ci/payments', request: 'request-0001' } as const;
    const notices = [{ ...about, sinceMs: START, subject }];
    const [item] = letterOf({ id: 'm', person: 'ci/payments', createdAtMs: 0, notices, more: 0 }).items;
    expect(item?.facts.join('\n')).toMatch(
      /denied by person\/lead-1 at .+, reason freeze, ticket CHG-7, they wrote "see https\[:\]\/\/evil\[\.\]example"/,
    );
  });
});

describe('WEB-7 who is missing: "needs 2, has 1, missing: B"', () => {
  const once = viewAfter(at(MINUTE, says(LEAD_1, 'approve')));
  const words = `needs 2, has 1, missing: ${LEAD_2} or ${LEAD_3}`;

  test('request show, and the lines that run prints while it waits', () => {
    expect(renderRequest(once, START).join('\n')).toContain(`  ${words} (leads) since `);
    expect(sayWaiting(once)).toContain(`${words} (leads) since `);
  });

  test('an agent, by MCP', () => {
    const quorum = quorumIn(once);
    const standing = standingSchema.parse({
      request: aRequest(),
      status: 'awaiting_approval',
      awaiting: once.awaiting,
      quorum,
    });
    expect(describeStanding(standing)).toMatchObject({ quorum, next: expect.stringContaining(words) });
  });

  test.each([
    [1, ['a', 'b'], 'a or b'],
    [2, ['a', 'b'], 'a and b'],
    [2, ['a', 'b', 'c'], '2 of a, b, c'],
    [1, [], 'nobody who could decide is left'],
  ])('%i approvals lacking of %j', (needs, missing, said) => {
    expect(sayQuorum({ needs, has: 0, missing })).toBe(`needs ${needs}, has 0, missing: ${said}`);
  });
});
