import path from 'node:path';
import { namedEntitlement } from '../../../src/contracts/request';
import type { AccessRequest } from '../../../src/domain/request';
import {
  adviceOn,
  bundleOf as build,
  type bundleOf,
  explain,
  explore,
  FileTicketSource,
  type LoadedBundle,
  preview,
  readBundleFiles,
  runBundleTests,
} from '../../../src/policy';
import { sampleRequest } from '../../support/keyring';
import { asks, exampleBundle, NOW } from './example';

const DIR = path.resolve(__dirname, '../../../examples/mcp-gate/bundle');

let files: ReadonlyMap<string, string>;
let bundle: LoadedBundle;
beforeAll(async () => {
  const read = await readBundleFiles(DIR);
  if (!read.ok) throw new Error('the example cannot be read');
  files = read.value;
  bundle = changed();
});

type Change = readonly [file: string, search: string | RegExp, replacement: string];
function loaded(...changes: readonly Change[]): ReturnType<typeof bundleOf> {
  const edited = new Map(files);
  for (const [file, search, replacement] of changes) {
    const before = edited.get(file) ?? '';
    const after = before.replace(search, replacement);
    if (after === before) throw new Error(`${file} did not change`);
    edited.set(file, after);
  }
  return build(edited, new FileTicketSource(undefined));
}
function changed(...changes: readonly Change[]): LoadedBundle {
  const built = loaded(...changes);
  if (!built.ok) throw new Error(JSON.stringify(built.problems));
  return built.bundle;
}
const problemsWith = (...changes: readonly Change[]) => {
  const built = loaded(...changes);
  return built.ok ? [] : built.problems;
};

const action = (what: string, given: Readonly<Record<string, unknown>>): AccessRequest =>
  sampleRequest({
    kind: 'execution',
    requester: 'agent/atlas',
    beneficiary: 'agent/atlas',
    entitlement: namedEntitlement.parse(what),
    parameters: { tool: 'any', toolVersion: '1', target: 'any', arguments: given },
    containment: 'none',
    rollback: 'none',
    durationMs: 60_000,
    submittedAtMs: NOW,
  });
const payment = (given: Readonly<Record<string, unknown>> = {}) =>
  action('tools:payments#pay', { to: 'ACME', amount: '20.00', currency: 'EUR', ...given });
const judged = (request: AccessRequest, over: LoadedBundle = bundle) => over.policy.assess(request, NOW);

describe('GAT-2 AGE-4 policy decides on arguments', () => {
  test('a small payment passes by policy alone, a large one waits for two people, and the reason names the argument', () => {
    expect(judged(payment())).toMatchObject({
      outcome: 'permit',
      explanation: 'permitted by policy alone, decided by the argument amount',
      determiningPolicies: ['small-payment'],
    });
    expect(judged(payment({ amount: '100.01' }))).toMatchObject({
      outcome: 'approve',
      explanation: 'needs approval by the path two-people, decided by the argument amount',
      path: { stages: [expect.objectContaining({ quorum: 2 })] },
    });
  });

  test('a forbid on an argument is a refusal that names it and not what it is compared with', () => {
    const { outcome, explanation, safeWay } = judged(payment({ amount: '-1.0' }));
    expect({ outcome, explanation, safeWay }).toEqual({
      outcome: 'refuse',
      explanation: 'A payment is more than nothing, decided by the argument amount',
      safeWay: 'To have money returned, ask the people of finance.',
    });
    expect(judged(payment({ amount: 5000 })).explanation).not.toContain('100');
  });

  test('what does not fit the declaration is refused before any policy is asked', () => {
    for (const given of [
      { amount: '1e3' },
      { amount: null },
      { to: 7 },
      { force: true },
      { tags: ['a', 'a'] },
    ])
      expect(judged(payment(given))).toMatchObject({
        outcome: 'refuse',
        reasonCodes: ['ARGUMENTS_NOT_AS_DECLARED'],
        determiningPolicies: [],
      });
  });

  test('undeclared arguments reach the approvers, and no policy, where the catalog says so', () => {
    const shown = changed(['catalog.yaml', 'title: Pay somebody,', 'title: Pay somebody, undeclared: show,']);
    expect(judged(payment({ memo: 'rent' }), shown)).toMatchObject({ outcome: 'permit' });
    expect(judged(payment({ memo: 'rent' }))).toMatchObject({ reasonCodes: ['ARGUMENTS_NOT_AS_DECLARED'] });
  });

  test('TTA-6 it is judged again by the same mapping, so a lower limit counts for what was permitted before', () => {
    const stricter = changed(
      ['agent.cedar', 'lessThanOrEqual(decimal("100.0"))', 'lessThanOrEqual(decimal("10.0"))'],
      ['agent.cedar', 'greaterThan(decimal("100.0"))', 'greaterThan(decimal("10.0"))'],
    );
    const recorded = [{ request: payment(), assessment: judged(payment()) }];
    expect(preview(stricter.policy, recorded)).toEqual([
      expect.objectContaining({
        before: expect.stringMatching(/^permit/),
        after: expect.stringMatching(/^approve; finance: 2/),
      }),
    ]);
    expect(preview(bundle.policy, recorded)).toEqual([]);
  });

  test('a bundle that declares no arguments judges as before, whatever they are', async () => {
    const { policy } = await exampleBundle();
    const request = asks('agent/atlas', 'changes:compute-fleet#inspect', {
      kind: 'execution',
      parameters: { tool: 'any', toolVersion: '1', target: 'any', arguments: { it: null, '': [1, 1] } },
      containment: 'none',
      rollback: 'none',
    });
    expect(policy.assess(request, NOW)).toMatchObject({
      outcome: 'permit',
      explanation: 'permitted by policy alone',
    });
  });
});

/** Makes an argument a secret, and has a text of the tool name it. */
function secretIn(member: string): Change {
  const texts = { target: 'ACME', containment: 'stop it', rollback: 'ask for it', [member]: '{to.account}' };
  const lines = Object.entries(texts).map(([name, text]) => `      ${name}: ${JSON.stringify(text)}\n`);
  return [
    'catalog.yaml',
    / {6}target: "\{to\}"\n.*\n.*\n.*\n {6}nonce: repeat\n/,
    `${lines.join('')}      secrets: [to]\n`,
  ];
}

describe('GAT-1 GAT-3 the catalog maps tools of MCP servers to actions', () => {
  const broken: readonly (readonly [string, Change, RegExp])[] = [
    [
      'an action that does not exist',
      ['catalog.yaml', 'action: pay\n', 'action: send\n'],
      /has no tools:payments#send/,
    ],
    [
      'an argument that is not declared',
      ['catalog.yaml', 'target: "{to}"', 'target: "{recipient}"'],
      /pay declares no argument recipient/,
    ],
    ['a brace without a name', ['catalog.yaml', 'target: "{to}"', 'target: "{to"'], /encloses no name/],
    ['a nonce that is declared', ['catalog.yaml', 'nonce: repeat', 'nonce: to'], /pay declares to itself/],
    ...(['target', 'reason', 'containment', 'rollback'] as const).map((member): (typeof broken)[number] => [
      `a secret in its ${member}, which is shown and kept`,
      secretIn(member),
      /\{to\.account\} is one of "secrets"/,
    ]),
    [
      'a secret that is not declared',
      ['catalog.yaml', 'nonce: repeat', 'secrets: [pin]'],
      /pay declares no argument pin/,
    ],
    ['a pin that is no definition', ['pins.yaml', 'name: send_payment', 'nom: send_payment'], /name/],
    [
      'a pin with a character that nobody can see',
      ['pins.yaml', 'Pay somebody.', 'Pay\u200b somebody.'],
      /nobody can see/,
    ],
  ];
  test.each(broken)('a bundle is refused for %s', (_, change, message) => {
    expect(problemsWith(change)).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  });

  test('policy check says which tools nobody has looked at', () => {
    const unpinned = changed(['pins.yaml', '\n  send_payment:\n', '\n  another_tool:\n']);
    const advice = adviceOn(unpinned, { withoutAccount: [], decided: new Map() }, NOW);
    expect(advice).toContainEqual(
      expect.objectContaining({
        file: 'catalog.yaml',
        message: expect.stringMatching(/^nobody has looked at the definition of send_payment of payments/),
      }),
    );
  });
});

describe('GAT-2 the tools of policy take arguments', () => {
  const explored = (over: LoadedBundle) => explore(over.context, over.identities, NOW);

  test("policy check finds nothing in the example, and the example's own tests pass", async () => {
    expect(explored(bundle)).toMatchObject({ problems: [], complete: true });
    expect(
      adviceOn(bundle, explored(bundle), NOW).filter(({ message }) => !message.includes('no key')),
    ).toEqual([]);
    expect(await runBundleTests(DIR, bundle.context, NOW)).toEqual({ passed: 16, problems: [] });
  });

  test('policy check tries values on and beside each bound: a policy that none of them meets never decides', () => {
    const unreachable = changed([
      'agent.cedar',
      'amount.greaterThan(decimal("100.0"))',
      'amount.greaterThan(decimal("100.0")) && context.arguments.amount.lessThan(decimal("50.0"))',
    ]);
    expect(explored(unreachable).problems).toEqual([
      expect.objectContaining({
        file: 'agent.cedar',
        message: expect.stringMatching(/large-payment never decides/),
      }),
    ]);
  });

  test('policy check warns of a permit that looks at no argument of an action that declares some', () => {
    const blind = changed(['agent.cedar', /\nwhen \{ context\.arguments\.amount\.lessThanOrEqual.*\}/, '']);
    const advice = adviceOn(blind, explored(blind), NOW).filter(({ message }) =>
      /looks at no argument/.test(message),
    );
    expect(advice).toEqual([
      expect.objectContaining({
        file: 'agent.cedar',
        message: expect.stringMatching(/^small-payment looks at no argument of pay/),
      }),
    ]);
  });

  test('policy explain says which argument decided', () => {
    expect(explain(bundle.context, payment({ amount: 2_000 }), NOW).join('\n')).toMatch(
      /approve: APPROVAL_NEEDED \(needs approval by the path two-people, decided by the argument amount\)/,
    );
  });

  test.each<[string, Change, RegExp]>([
    [
      'a type that no JSON can be',
      ['schema.cedarschema', 'to: String', 'to: Person'],
      /arguments\.to as Person, which no JSON can be/,
    ],
    [
      'a policy that looks at an argument that is not declared',
      ['agent.cedar', 'context.arguments.currency', 'context.arguments.coin'],
      /only-euros: .*coin/,
    ],
    [
      'undeclared arguments of an action that declares none',
      ['schema.cedarschema', 'context: { arguments: { path: String, content: String } }', 'context: {}'],
      /write-drafts: .*arguments/,
    ],
  ])('a bundle is refused for %s', (_, change, message) => {
    expect(problemsWith(change)).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  });

  test('a bundle is refused for "undeclared" where nothing is declared, and for arguments of an action that gives access', async () => {
    const read = await readBundleFiles(path.resolve(DIR, '../../../policies'));
    if (!read.ok) throw new Error('the other example cannot be read');
    const edit = (file: string, search: string, replacement: string) => {
      const text = (read.value.get(file) ?? '').replace(search, replacement);
      const built = build(new Map([...read.value, [file, text]]), new FileTicketSource(undefined));
      return built.ok ? [] : built.problems;
    };
    expect(
      edit(
        'catalog.yaml',
        'title: Read the state of a node,',
        'title: Read the state of a node, undeclared: show,',
      ),
    ).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/declares no arguments for "inspect"/) }),
    ]);
    expect(
      edit('schema.cedarschema', 'target?: String,\n}', 'target?: String,\n  arguments?: { x: Long },\n}'),
    ).toContainEqual(
      expect.objectContaining({
        message: expect.stringMatching(/arguments for "read", and warehouse gives access/),
      }),
    );
  });
});
