import { shortenedAsRecorded } from '../../../src/audit/evidence/earlier-limits';
import { AWAITING_MORE } from '../../../src/contracts/names';
import { LIMITS } from '../../../src/domain/limits';
import { strictestOf } from '../../../src/domain/strictest';
import { contextSchema } from '../../../src/gateway/pdp/entities';
import { bundleOf, FileTicketSource, readBundleFiles } from '../../../src/policy';
import type { LoadResult } from '../../../src/policy/load/load-bundle';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { fitting } from '../../../src/workflows/visibility';
import { askedBefore, asks, HOUR, NOW, onRecord } from './example';

const WRITE = 'warehouse:payments#write';
const write = asks('ci/payments', WRITE);

let example: ReadonlyMap<string, string>;
beforeAll(async () => {
  const files = await readBundleFiles(EXAMPLE_BUNDLE_DIR);
  if (!files.ok) throw new Error('the example cannot be read');
  example = files.value;
});

/** File, text that is in it, and text in its place. */
type Change = readonly [string, string, string];

/** The example with replacements in its files, one after the other. */
function changed(...changes: Change[]): LoadResult {
  const files = new Map(example);
  for (const [name, search, replacement] of changes) {
    const text = files.get(name) ?? '';
    if (!text.includes(search)) throw new Error(`${name} has no ${search}`);
    files.set(name, text.replace(search, replacement));
  }
  return bundleOf(files, new FileTicketSource(undefined));
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `person/${prefix}-${String(index).padStart(3, '0')}`);

/** Puts people into the directory, and into the group whose list of members begins like this. */
const joined = (members: string, people: readonly string[]) =>
  [
    [
      'directory.yaml',
      '\npeople:\n',
      `\npeople:\n${people.map((id) => `  ${id}: { name: Somebody }\n`).join('')}`,
    ],
    ['directory.yaml', members, `${members}, ${people.join(', ')}`],
  ] as const;
const leads = (people: readonly string[]) =>
  joined('title: Leads of payments, members: [person/mira, person/tomas', people);

function bundleWith(...changes: Change[]) {
  const loaded = changed(...changes);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}
const problemsWith = (...changes: Change[]) => {
  const loaded = changed(...changes);
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
};

describe('DIR-1 nobody who may decide is cut from the list in silence', () => {
  test.each([65, 100, 500, LIMITS.eligibleApprovers])('%i approvers all count', (count) => {
    const { policy } = bundleWith(...leads(numbered('lead', count - 2)));
    const stage = policy.assess(write, NOW).path?.stages[0];
    expect(stage?.eligible).toHaveLength(count);
    expect(stage?.eligible).toContain('person/tomas');
  });

  test('one more is refused on load, and the message names stage and limit', () => {
    expect(problemsWith(...leads(numbered('lead', LIMITS.eligibleApprovers - 1)))).toEqual(
      expect.arrayContaining([
        `${LIMITS.eligibleApprovers + 1} people may approve where payments-leads owns what is asked for, over the limit of ${LIMITS.eligibleApprovers}; name smaller groups`,
      ]),
    );
  });

  test('a newcomer who sorts first does not make the last one look like a leaver', () => {
    const before = bundleWith(...leads(numbered('lead', 62)));
    const after = bundleWith(...leads([...numbered('lead', 62), 'person/aaron']));
    const strictest = strictestOf(before.policy.assess(write, NOW), after.policy.assess(write, NOW));
    expect(strictest.ok && strictest.value.path?.stages[0]?.departed).toBeUndefined();
  });

  test('every reviewer counts, so none of them stands in for an approver', () => {
    const reviewers = joined('members: [person/amara', [...numbered('reviewer', 70), 'person/zoe']);
    const delegation = [
      'directory.yaml',
      'to: person/lena, since: 2026-08-03, until: 2026-08-17',
      'to: person/zoe, since: 2026-10-20, until: 2026-11-10',
    ] as const;
    const { policy, directory } = bundleWith(...reviewers, delegation);
    expect(directory.delegateOf('person/mira', NOW)).toBe('person/zoe');
    const { path, reviewers: known } = policy.assess(write, NOW);
    expect(known).toEqual([]);
    expect(path?.stages[0]?.delegations).toBeUndefined();
  });

  test('too many reviewers are refused on load', () => {
    expect(
      problemsWith(...joined('members: [person/amara', numbered('reviewer', LIMITS.eligibleApprovers))),
    ).toContain(
      `${LIMITS.eligibleApprovers + 1} people could review, over the limit of ${LIMITS.eligibleApprovers}; name a smaller group`,
    );
  });

  test('APB-4 a stage of those asked before keeps all the groups that make them approvers', () => {
    const groups = Array.from({ length: 12 }, (_, index) => `team-${index}`);
    const { policy } = bundleWith([
      'directory.yaml',
      '\ngroups:\n',
      `\ngroups:\n${groups.map((name) => `  ${name}: { title: A team, members: [person/david] }\n`).join('')}`,
    ]);
    const asked = askedBefore(write, { approvers: { elsewhere: ['person/david'] } });
    const stage = policy.assess(write, NOW, onRecord({ asks: [asked] })).path?.stages[0];
    expect(stage).toMatchObject({ name: 'asked-before', eligible: ['person/david'] });
    expect(stage?.groups).toEqual(expect.arrayContaining([...groups, 'dba']));
  });

  test('a stage made of the people of too many earlier requests is refused, not cut', () => {
    const { policy } = bundleWith(
      ...leads(numbered('lead', 300)),
      ...joined('members: [person/david, person/aiko', numbered('dba', 300)),
    );
    const approvers = { elsewhere: [...numbered('lead', 300), ...numbered('dba', 300)] };
    expect(policy.assess(write, NOW, onRecord({ asks: [askedBefore(write, { approvers })] }))).toMatchObject({
      outcome: 'refuse',
      explanation: '600 people could decide stage asked-before; 512 is the most',
    });
  });
});

describe('APB-3 everything that approvers are to see is there', () => {
  test('each of a dozen earlier denials', () => {
    const { policy } = bundleWith();
    const denials = Array.from({ length: 12 }, (_, index) => ({
      id: `service/tool-gateway/${index}`,
      reportedBy: 'service/tool-gateway',
      subject: 'ci/payments',
      resource: 'warehouse:payments',
      reasonCode: 'SECRET_FOUND',
      deniedAtMs: NOW - HOUR - index,
    }));
    expect(policy.assess(write, NOW, onRecord({ denials })).precedents).toHaveLength(12);
  });

  test('each flagged word, and no bundle may have more of them than can be shown', () => {
    const words = (count: number) =>
      [
        'paths.yaml',
        '\nscrutiny:\n',
        `\nscrutiny:\n${Array.from({ length: count }, (_, index) => `  word${index}x: Why?\n`).join('')}`,
      ] as const;
    const reason = Array.from({ length: 12 }, (_, index) => `word${index}x`).join(' ');
    const { policy } = bundleWith(words(12));
    expect(policy.assess({ ...write, reason }, NOW).flags).toHaveLength(12);
    expect(problemsWith(words(LIMITS.flags))).toEqual([
      expect.stringMatching(/"scrutiny" may have 64 entries/),
    ]);
  });
});

describe('WEB-7 what does not fit is told', () => {
  test('a ticket that is too long is refused at the gateway, never shortened to one that exists', () => {
    expect(contextSchema.safeParse({ ticket: 'x'.repeat(LIMITS.ticketCharacters) }).success).toBe(true);
    expect(contextSchema.safeParse({ ticket: 'x'.repeat(LIMITS.ticketCharacters + 1) }).success).toBe(false);
  });

  test('a search attribute that cannot hold everyone who is awaited says that there are more', () => {
    const few = numbered('lead', 20);
    expect(fitting(few)).toEqual(few);
    const shown = fitting(numbered('approver-with-a-long-name', LIMITS.eligibleApprovers));
    expect(shown.at(-1)).toBe(AWAITING_MORE);
    expect(JSON.stringify(shown).length).toBeLessThan(2_000);
  });
});

describe('AUD-3 evidence of the time when lists were shortened still verifies', () => {
  const all = numbered('lead', 100);
  const stage = (eligible: readonly string[]) => ({ stages: [{ eligible, substituteGroups: [] }] });

  test('a list of exactly the length of then is compared with as many', () => {
    expect(shortenedAsRecorded(stage(all.slice(0, 64)), stage(all))).toEqual(stage(all.slice(0, 64)));
  });

  test('any other length is a difference', () => {
    expect(shortenedAsRecorded(stage(all.slice(0, 63)), stage(all))).toEqual(stage(all));
    const signer = { groups: numbered('group', 12) };
    expect(shortenedAsRecorded({ groups: signer.groups.slice(0, 8) }, signer)).toEqual(signer);
  });
});
