import {
  DAY,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  START,
  security,
  stopped,
} from '../../support/domain/builders';
import { madeAt } from '../../support/domain/commands';
import { evidence, kept, proofResult, sufficient } from '../../support/domain/evidence';
import { IAM, LEAD_1, LEAD_2, LEAD_3, REQUESTER, SUBSTITUTE_1 } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory } from '../../support/domain/ports';

describe('TTA-5 forged times prove nothing', () => {
  const late = [kept(LEAD_1, 'approve', madeAt(0, HOUR)), kept(LEAD_2, 'approve', madeAt(0, HOUR))];

  it('an expired approval does not live again by having been received earlier', async () => {
    expect(await proofResult(evidence({ statements: late }), { afterMs: HOUR - 1 })).toBe('authorised');
    expect(await proofResult(evidence({ statements: late }), { afterMs: HOUR })).toBe('EXPIRED_STATEMENT');
  });

  it('a statement was not received before it was made, nor in the future', async () => {
    const early = [
      kept(LEAD_1, 'approve', madeAt(10 * MINUTE)),
      kept(LEAD_2, 'approve', madeAt(10 * MINUTE)),
    ];
    expect(await proofResult(evidence({ statements: early }), { afterMs: HOUR })).toBe('EXPIRED_STATEMENT');
    const future = [...sufficient.slice(1), kept(LEAD_1, 'approve', {}, HOUR)];
    expect(await proofResult(evidence({ statements: future }), { afterMs: MINUTE })).toBe('NOT_AUTHORISED');
  });

  it('statements come in the order of time, after the assessment, and that after the submission', async () => {
    const backwards = [kept(LEAD_1, 'approve', {}, 2 * MINUTE), kept(LEAD_2, 'approve', {}, MINUTE)];
    expect(await proofResult(evidence({ statements: backwards }))).toBe('NOT_AUTHORISED');
    for (const assessedAtMs of [START + HOUR, START - HOUR])
      expect(await proofResult(evidence({ assessment: needsApproval([leads()], { assessedAtMs }) }))).toBe(
        'NOT_AUTHORISED',
      );
  });

  const rerouted = [
    kept(IAM, 'reroute', { replacement: { replace: LEAD_1, with: SUBSTITUTE_1, untilMs: START + HOUR } }),
  ];
  const afterwards = (receivedAtMs: number) =>
    evidence({
      statements: [
        ...rerouted,
        { ...kept(LEAD_2, 'approve', { ...madeAt(3 * HOUR), revision: 1 }), receivedAtMs },
        { ...kept(SUBSTITUTE_1, 'approve', { ...madeAt(3 * HOUR), revision: 1 }), receivedAtMs },
      ],
    });

  it.each([
    ['the truth', START + 3 * HOUR],
    ['while the replacement was in force', START + HOUR - 1],
  ])('an approval made after a replacement lapsed does not count, received at %s', async (_, receivedAtMs) => {
    expect(await proofResult(afterwards(receivedAtMs), { afterMs: 3 * HOUR })).not.toBe('authorised');
  });

  it.each([
    ['missing', undefined],
    ['null', null],
    ['a text', 'soon'],
    ['a list', []],
    ['no number', Number.NaN],
  ])('a time that is %s passes for none', async (_, time) => {
    const receivedAtMs = time as unknown as number;
    expect(await proofResult(afterwards(receivedAtMs), { afterMs: 3 * HOUR })).toBe('MALFORMED');
    const assessment = { ...needsApproval(), assessedAtMs: time as unknown as number };
    expect(await proofResult(evidence({ assessment }))).toBe('MALFORMED');
  });
});

describe('OVR-6 a place whose holder has left is there to be given to somebody else', () => {
  const policy = new PolicyInMemory(needsApproval([leads({ eligible: [LEAD_2, LEAD_3] })]));
  const untilMs = START + 2 * HOUR;
  const rerouted = kept(IAM, 'reroute', { replacement: { replace: LEAD_1, with: SUBSTITUTE_1, untilMs } });
  const now = { revision: 1 };

  it('and who was put in decides', async () => {
    const statements = [rerouted, kept(LEAD_2, 'approve', now), kept(SUBSTITUTE_1, 'approve', now)];
    expect(await proofResult(evidence({ statements }), { policy })).toBe('authorised');
  });

  it('but who has left decides no more, before it and when it has lapsed', async () => {
    expect(await proofResult(evidence({ statements: sufficient }), { policy })).toBe('NOT_ELIGIBLE');
    const late = { ...madeAt(3 * HOUR), revision: 2 };
    const statements = [
      rerouted,
      { ...kept(LEAD_2, 'approve', late), receivedAtMs: START + 3 * HOUR },
      { ...kept(LEAD_1, 'approve', late), receivedAtMs: START + 3 * HOUR },
    ];
    const afterMs = 3 * HOUR;
    expect(await proofResult(evidence({ statements }), { afterMs })).toBe('authorised');
    expect(await proofResult(evidence({ statements }), { afterMs, policy })).toBe('NOT_ELIGIBLE');
  });
});

describe('TTA-6 everything is looked at again at the moment of the act', () => {
  it.each([
    [
      'policy now stops such requests',
      { policy: new PolicyInMemory(stopped('hard_stop')) },
      'POLICY_CHANGED',
    ],
    ['policy now refuses such requests', { policy: new PolicyInMemory(stopped('refuse')) }, 'POLICY_CHANGED'],
    [
      'policy now asks for another stage',
      { policy: new PolicyInMemory(needsApproval([leads(), security()])) },
      'POLICY_CHANGED',
    ],
    [
      'policy now asks for stages of other names',
      { policy: new PolicyInMemory(needsApproval([leads({ name: 'owners' })])) },
      'POLICY_CHANGED',
    ],
    [
      'policy now asks for more people',
      { policy: new PolicyInMemory(needsApproval([leads({ quorum: 3 })])) },
      'NOT_AUTHORISED',
    ],
    [
      'policy now asks for stronger keys',
      { policy: new PolicyInMemory(needsApproval([leads({ assurance: 'phishing-resistant' })])) },
      'WEAK_ASSURANCE',
    ],
    [
      'policy now allows less time',
      { policy: new PolicyInMemory(needsApproval([leads()], { maxDurationMs: HOUR })) },
      'NOT_AUTHORISED',
    ],
    [
      'policy no longer names the approver',
      { policy: new PolicyInMemory(needsApproval([leads({ eligible: [LEAD_2, LEAD_3] })])) },
      'NOT_ELIGIBLE',
    ],
    [
      'an approver has become a party',
      {
        policy: new PolicyInMemory(
          needsApproval([leads()], {
            parties: [...needsApproval().parties, { id: LEAD_1, relation: 'owner' }],
          }),
        ),
      },
      'NOT_AUTHORISED',
    ],
    [
      'an approver left the group',
      { directory: new DirectoryInMemory({ [LEAD_1]: { groups: [] } }) },
      'NOT_ELIGIBLE',
    ],
    [
      'an approver was disabled',
      { directory: new DirectoryInMemory({ [LEAD_1]: { active: false } }) },
      'DISABLED_IDENTITY',
    ],
    [
      'an approver joined governance',
      { directory: new DirectoryInMemory({ [LEAD_1]: { roles: ['iam-operations'] } }) },
      'NOT_ELIGIBLE',
    ],
    ['an approver’s key was revoked', { directory: new DirectoryInMemory({}, [LEAD_1]) }, 'UNKNOWN_KEY'],
    ['the requester’s key was revoked', { directory: new DirectoryInMemory({}, [REQUESTER]) }, 'UNKNOWN_KEY'],
    [
      'the requester was disabled',
      { directory: new DirectoryInMemory({ [REQUESTER]: { active: false } }) },
      'DISABLED_IDENTITY',
    ],
  ] as const)('%s', async (_, today, code) => {
    expect(await proofResult(evidence())).toBe('authorised');
    expect(await proofResult(evidence(), today)).toBe(code);
  });

  it('a governor who lost the role takes the reroute along, and what rests on it', async () => {
    const statements = [
      kept(IAM, 'reroute'),
      kept(SUBSTITUTE_1, 'approve', { revision: 1 }),
      kept(LEAD_2, 'approve', { revision: 1 }),
    ];
    expect(await proofResult(evidence({ statements }))).toBe('authorised');
    const directory = new DirectoryInMemory({ [IAM]: { roles: [] } });
    expect(await proofResult(evidence({ statements }), { directory })).toBe('NOT_GOVERNANCE');
    expect(await proofResult(evidence({ statements: statements.slice(1) }))).not.toBe('authorised');
  });

  it('a request that is older than 30 days is not carried out', async () => {
    const statements = [LEAD_1, LEAD_2].map((who) =>
      kept(who, 'approve', madeAt(30 * DAY - HOUR), 30 * DAY - HOUR),
    );
    const assessment = needsApproval([leads()], { assessedAtMs: START + 30 * DAY - 2 * HOUR });
    expect(await proofResult(evidence({ assessment, statements }), { afterMs: 30 * DAY - 1 })).toBe(
      'authorised',
    );
    expect(await proofResult(evidence({ assessment, statements }), { afterMs: 30 * DAY })).not.toBe(
      'authorised',
    );
  });
});
