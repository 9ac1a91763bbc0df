import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import { requestDigest } from '../../../src/domain/digest';
import { evolve } from '../../../src/domain/evolve';
import type { PrincipalId } from '../../../src/domain/principal';
import type { ReadState, RequestState } from '../../../src/domain/state';
import type { Statement } from '../../../src/domain/statement';
import { judge } from '../../../src/domain/verbs/judge';
import type { LoadedBundle } from '../../../src/policy';
import { type OpenStage, openReroutes } from '../../../src/web/reroutes';
import type { Visitor } from '../../../src/web/sessions';
import { asIfSigned, sayable } from '../../../src/web/verbs';
import { asks, exampleBundle, HOUR, MINUTE, NOW } from '../policy/example';

let bundle: LoadedBundle;
beforeAll(async () => {
  bundle = await exampleBundle();
});

const LATER = NOW + 2 * HOUR;

function stateOf(entitlement: string, ticket?: string): ReadState {
  const request = asks('ci/payments', entitlement, {
    durationMs: HOUR / 2,
    ...(ticket !== undefined && { ticket }),
  });
  const submission = { request, proof: { format: 'jws', jws: '' } as const };
  const standing = bundle.directory.standingOf('ci/payments', NOW);
  if (standing === undefined) throw new Error('the example has no such pipeline');
  const recognition = {
    ...{ principal: 'ci/payments', keyId: 'any', assurance: 'key' as const, channel: 'cli' },
    ...{ directoryDigest: bundle.directory.digest },
  };
  const commands: readonly Command[] = [
    { type: 'submit', submission, atMs: NOW },
    {
      type: 'record_assessment',
      assessment: bundle.policy.assess(request, NOW),
      recognition,
      atMs: NOW + MINUTE,
    },
  ];
  let state: RequestState | null = null;
  for (const command of commands) for (const event of decide(state, command)) state = evolve(state, event);
  if (state === null || state.phase !== 'assessed') throw new Error('it does not wait');
  expect(requestDigest(request)).toBe(state.digest);
  return state;
}

function visitor(person: PrincipalId): Visitor {
  const standing = bundle.directory.standingOf(person, LATER);
  if (standing === undefined) throw new Error(`the example has no ${person}`);
  const passkey = {
    ...{ kind: 'passkey' as const, keyId: 'a', principal: person, assurance: 'phishing-resistant' as const },
    ...{ channel: 'web', publicKey: '', rpId: 'localhost', origin: 'http://localhost' },
  };
  return { person, standing, passkey, untilMs: LATER + HOUR };
}

/** What policy and the core say to a reroute that this person signs, whose ticket exists. */
async function answerTo(state: ReadState, person: PrincipalId, said: Partial<Statement>): Promise<boolean> {
  const grounds = { reasonCode: 'approver-absent', ticket: 'OPS-1', policyBasis: 'production-write' };
  const signed = asIfSigned(state, visitor(person), 'reroute', LATER, { ...grounds, ...said });
  const checked = await bundle.policy.checkReroute(signed.statement, state.submission.request, LATER);
  return judge(state, { ...signed, reroute: { ...checked, ticketFound: true } }, LATER).ok;
}

const offer = (state: ReadState, person: PrincipalId) => openReroutes(state, visitor(person), bundle, LATER);
const untilMs = LATER + 1;

/** Every replacement that is offered, and every one that policy and core accept, of all people in all places. */
async function compared(state: ReadState, stages: readonly OpenStage[], emergencyCondition?: string) {
  const people = bundle.principals.filter((id) => id.startsWith('person/'));
  const condition = emergencyCondition === undefined ? {} : { emergencyCondition };
  const offered = stages.flatMap(({ stage, places, candidates }) =>
    places.flatMap((replace) => candidates.map((by) => `${stage}: ${by} for ${replace}`)),
  );
  const accepted: string[] = [];
  const { path } = state.phase === 'assessed' ? state.assessment : {};
  for (const stage of path?.stages ?? [])
    for (const replace of people)
      for (const by of people) {
        const replacement = { replace, with: by, untilMs };
        if (await answerTo(state, 'person/nadia', { stage: stage.name, replacement, ...condition }))
          accepted.push(`${stage.name}: ${by} for ${replace}`);
      }
  return { offered: offered.sort(), accepted: accepted.sort() };
}

describe('OVR-2, OVR-6 a governor is offered exactly the reroutes that policy and the core accept', () => {
  test.each([
    ['warehouse:payments#write', undefined],
    ['warehouse:payments#admin', 'CHG-7'],
  ])(
    'of %s',
    async (entitlement, ticket) => {
      const state = stateOf(entitlement, ticket);
      const { replacements, emergencies } = offer(state, 'person/nadia');
      const ordinary = await compared(state, replacements);
      expect(ordinary.offered).toEqual(ordinary.accepted);
      expect(ordinary.offered.length).toBeGreaterThan(0);
      const [emergency] = emergencies;
      const urgent = await compared(state, emergency?.stages ?? [], emergency?.condition);
      expect(urgent.offered).toEqual(urgent.accepted);
      expect(urgent.offered.length).toBeGreaterThan(ordinary.offered.length);
    },
    60_000,
  );

  test('and the paths that policy offers', async () => {
    const state = stateOf('warehouse:payments#write');
    const { switches } = offer(state, 'person/nadia');
    expect(switches.map(({ path }) => path)).toEqual(['production-write-by-dba']);
    for (const path of bundle.context.paths.keys())
      expect([path, await answerTo(state, 'person/nadia', { switchTo: { path, untilMs } })]).toEqual([
        path,
        switches.some((one) => one.path === path),
      ]);
    expect(offer(stateOf('warehouse:payments#admin', 'CHG-7'), 'person/nadia').switches).toEqual([]);
  });

  test.each([
    'person/mira',
    'person/tomas',
    'person/chen',
    'person/helen',
    'person/jonas',
  ])('%s, who is no governor, is offered none', (person) => {
    const state = stateOf('warehouse:payments#write');
    expect(sayable(state, visitor(person), LATER)).not.toContain('reroute');
    expect(offer(state, person)).toEqual({ replacements: [], switches: [], emergencies: [] });
  });
});
