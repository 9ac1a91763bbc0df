import fc from 'fast-check';
import { digestOf } from '../../../src/domain/digest';
import type { Evidence } from '../../../src/domain/evidence';
import { type GrantTerms, proveAuthorised } from '../../../src/domain/prove';
import { assessmentOf } from '../../../src/domain/state';
import { courses, Dice, word } from '../../support/domain/dice';
import { isThorough, tries } from '../../support/domain/effort';
import { happens } from '../../support/domain/moves';
import { objections } from '../../support/domain/officer';
import { DirectoryInMemory, sealed, submitted } from '../../support/domain/ports';
import { tamper } from '../../support/domain/tamper';
import { type Delivery, World } from '../../support/domain/world';

const directory = new DirectoryInMemory();

/** Where a workflow has acted on its evidence, or could not: what the proof says then is for the target to judge. */
const ACTED_ON = ['active', 'expired', 'revoked', 'closed', 'failed'];

const counts = { proved: 0, notProved: 0, found: 0, harmless: 0 };

describe('TTA-5, AUD-3 the proof and the workflow agree', () => {
  it('for honest evidence, the proof holds exactly when the workflow has come to carry the request out', async () => {
    const property = fc.asyncProperty(
      courses({ minLength: 4, maxLength: 14 }),
      async ({ scenario, moves }) => {
        const world = new World(new Dice(scenario), sealed);
        for (const move of moves) {
          const before = world.state.status;
          happens(world, move);
          if (world.state.status === 'provisioning' && before !== 'provisioning') await agrees(world);
        }
        await agrees(world);
      },
    );
    await fc.assert(property, { numRuns: tries(1_000) });
    if (isThorough) expect(counts.proved).toBeGreaterThan(130);
    if (isThorough) expect(counts.notProved).toBeGreaterThan(350);
  });

  it('for tampered evidence, it fails, or the change made no difference that an officer would object to', async () => {
    const property = fc.asyncProperty(
      courses({ minLength: 4, maxLength: 14 }),
      fc.array(word, { minLength: 6, maxLength: 6 }),
      async ({ scenario, moves }, tricks) => {
        const world = new World(new Dice(scenario), sealed);
        for (const move of moves) if (world.state.status !== 'provisioning') happens(world, move);
        const terms = await prove(world, evidenceOf(world));
        if (terms !== undefined)
          for (const trick of tricks) await holdsAgainst(world, terms, new Dice(trick));
      },
    );
    await fc.assert(property, { numRuns: tries(1_000) });
    if (isThorough) expect(counts.found).toBeGreaterThan(400);
    if (isThorough) expect(counts.harmless).toBeGreaterThan(200);
  });
});

async function agrees(world: World): Promise<void> {
  const { status } = world.state;
  if (assessmentOf(world.state) === undefined || ACTED_ON.includes(status)) return;
  const isProved = (await prove(world, evidenceOf(world))) !== undefined;
  if (isProved !== (status === 'provisioning'))
    throw new Error(`proved ${isProved}, but the request is ${status}`);
  counts[isProved ? 'proved' : 'notProved'] += 1;
}

async function holdsAgainst(world: World, honest: GrantTerms, dice: Dice): Promise<void> {
  const { evidence, part } = tamper(evidenceOf(world), dice);
  if (digestOf(JSON.parse(JSON.stringify(evidence))) === honest.evidenceDigest) return;
  const terms = await prove(world, evidence);
  counts[terms === undefined ? 'found' : 'harmless'] += 1;
  if (terms === undefined) return;
  if (part === 'submission') throw new Error('another submission was taken for the one that was signed');
  // Who of several took part, and in which order, is in the evidence that was offered; the rest is not for it to say.
  const { evidenceDigest, approvedBy: _by, participants: _people, reviewDueAtMs: _due, ...granted } = terms;
  const {
    evidenceDigest: honestDigest,
    approvedBy: _honestly,
    participants: _honest,
    reviewDueAtMs: _owed,
    ...asked
  } = honest;
  expect(granted).toEqual(asked);
  expect(evidenceDigest).not.toBe(honestDigest);
  const accepted = genuineIn(evidence, world);
  for (const objection of objections({ ...world.scenario, accepted, atMs: world.nowMs }))
    throw new Error(objection);
}

function evidenceOf({ state, scenario }: World): Evidence {
  const submission = submitted(scenario.request);
  return { submission, assessment: assessmentOf(state) ?? scenario.assessment, statements: state.statements };
}

async function prove(world: World, evidence: Evidence): Promise<GrantTerms | undefined> {
  const proof = await proveAuthorised(evidence, world.nowMs, directory, world.policy);
  return proof.ok ? proof.value.terms : undefined;
}

/** What the evidence really holds of signed statements about this request, each once. */
function genuineIn({ statements }: Evidence, { state }: World): readonly Delivery[] {
  const genuine = new Map<string, Delivery>();
  for (const { envelope, receivedAtMs } of statements) {
    const check = directory.check(envelope);
    if (!check.verified || check.facts.statement.digest !== state.digest) continue;
    const { jti } = check.facts.statement;
    if (!genuine.has(jti))
      genuine.set(jti, { facts: check.facts, atMs: receivedAtMs, accepted: true, step: 0 });
  }
  return [...genuine.values()];
}
