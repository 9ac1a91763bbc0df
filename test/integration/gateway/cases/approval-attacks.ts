import { type ClaimedView, CountersignClient } from '../../../../src/client';
import type { Ledger } from '../../../../src/domain/precedents';
import { proveAuthorised } from '../../../../src/domain/prove';
import { Approvals } from '../../../../src/gateway/requests/approvals';
import { FORGETFUL } from '../../../../src/ledger/forgetful';
import { signStatement } from '../../../../src/signing/sign';
import { SignedDirectory } from '../../../../src/signing/signed-directory';
import { problemOf, type RequestGateway, WRITE } from '../support/request-gateway';

/** Approvals and denials in the wrong hands. It shares the gateway of whoever calls this. */
export function approvalAttackCases(ground: () => RequestGateway): void {
  let gateway: RequestGateway;
  beforeAll(() => {
    gateway = ground();
  });

  describe('approvals', () => {
    const evaluate = (who: string, about: object, approval: unknown) =>
      gateway
        .as(who, '/access/v1/evaluation', { body: { ...about, context: { approval } } })
        .then(({ json }) => json);

    async function approvedWrite(who = 'ci/payments', about = WRITE) {
      const { json } = await gateway.ask(who, about);
      await gateway.say('person/mira', 'approve', json.task.id);
      const { json: over } = await gateway.read(who, json.task.id, 30);
      return { id: json.task.id as string, approval: over.result.approval };
    }

    it('are not swapped between requests or callers, and not replayed after their time', async () => {
      const bot = { ...WRITE, subject: { type: 'bot', id: 'deployer' } };
      const ours = await approvedWrite();
      const theirs = await approvedWrite('bot/deployer', bot);
      expect(await evaluate('ci/payments', WRITE, ours.approval)).toMatchObject({ decision: true });
      // Another's approval, in another's hands or in the subject's own name: nothing.
      expect(await evaluate('bot/deployer', bot, ours.approval)).toMatchObject({ decision: false });
      expect(await evaluate('ci/payments', WRITE, theirs.approval)).toMatchObject({ decision: false });
      // Nor in the hands of someone who may well ask about that subject: Ines owns the pipeline.
      expect(await evaluate('person/ines', WRITE, ours.approval)).toMatchObject({
        decision: false,
        context: { reason: 'approval_unverifiable' },
      });
      const mixed = { ...ours.approval, state: theirs.approval.state };
      expect(await evaluate('ci/payments', WRITE, mixed)).toMatchObject({
        decision: false,
        context: { reason: 'approval_unverifiable' },
      });
      gateway.clock.offsetMs = 16 * 60_000;
      const replayed = await evaluate('ci/payments', WRITE, ours.approval);
      gateway.clock.offsetMs = 0;
      expect(replayed).toMatchObject({ decision: false, context: { reason: 'approval_expired' } });
    });

    it('a confused deputy gets nothing for anyone', async () => {
      const about = { body: WRITE };
      // Someone with rights of their own asks in the name of another: it is not theirs to ask.
      const { json: foreign } = await gateway.as('bot/deployer', '/access/v1/evaluation', about);
      expect(foreign).toEqual({ decision: false, context: { reason: 'subject_not_authorised' } });
      // A denial given to one caller is no ground for another: not for the subject, not for the subject's owner.
      const given = await gateway.submission('ci/payments', WRITE);
      const theirs = await gateway.submission('person/ines', WRITE);
      expect(problemOf(await gateway.submit('person/ines', given))).toBe('invalid_denial_binding');
      expect(problemOf(await gateway.submit('ci/payments', theirs))).toBe('invalid_denial_binding');
      expect(problemOf(await gateway.submit('bot/deployer', given))).toBe('invalid_denial_binding');
      // What one was denied does not carry over to another subject, resource or action.
      for (const changes of [
        { subject: { type: 'bot', id: 'deployer' } },
        { resource: { type: 'warehouse', id: 'reporting' } },
        { action: { name: 'admin' } },
      ])
        expect(problemOf(await gateway.submit('ci/payments', { ...given, ...changes }))).toBe(
          'invalid_denial_binding',
        );
      expect((await gateway.submit('ci/payments', given)).status).toBe(202);
    });

    it('APB-6, TTA-5 are not had again for longer by a workflow that says its grant began later', async () => {
      const { id, approval } = await approvedWrite();
      const { client, ledger, temporal } = gateway.harness;
      const { request } = await client.submissionOf(id);
      const { bundles, keys } = gateway.gateway;
      const { directory, policy } = await bundles.current();
      const laterMs = Date.now() + 10 * 60_000;
      class Forged extends CountersignClient {
        override async get(requestId: string): Promise<ClaimedView> {
          const view = await super.get(requestId);
          const { lease } = view;
          if (lease === undefined) throw new Error('no lease');
          return {
            ...view,
            lease: { ...lease, grantedAtMs: laterMs, expiresAtMs: laterMs + request.durationMs },
          };
        }
      }
      const another = (grants: Pick<Ledger, 'grantOf'>) =>
        new Approvals({
          ...{ client: new Forged(temporal), ledger: grants, keys, bundles, publicUrl: gateway.url },
          authority: async () => ({ directory: new SignedDirectory(directory), policy }),
          enforcementPoints: new Set(),
          nowMs: () => laterMs,
        });
      const item = { request, scope: { binding_hash: 'x'.repeat(43), binding_context_members: [] } };
      const again = await another(ledger).of(item);
      expect(again?.id).toBe(approval.id);
      expect(
        Math.abs(Date.parse(again?.approved_until ?? '') - Date.parse(approval.approved_until)),
      ).toBeLessThan(60_000);
      // Of a grant that is on no record there is no approval, whatever its workflow says.
      expect(await another(FORGETFUL).of(item)).toBeUndefined();
    });

    it('TTA-5 a stranger learns nothing of a request by its id, and does not fill its record', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      const { id } = json.task;
      const post = (who: string, body: unknown, about = id) =>
        gateway.as(who, `/v1/requests/${about}/statements`, { body });
      const junk = { format: 'jws', jws: 'a.b.c' };
      const genuine = await gateway.statement('person/mira', 'approve', id);
      const none = await post('agent/atlas', junk, `arq_${'x'.repeat(32)}`);
      const theirs = await signStatement(
        { verb: 'approve', request: id, digest: `sha-256:${'A'.repeat(43)}`, revision: 0 },
        'bot/deployer',
        await gateway.key('bot/deployer'),
        { nowMs: Date.now(), lifeMs: 60_000 },
      );
      for (const tried of [junk, theirs]) {
        const answer = await post('bot/deployer', tried);
        expect([answer.status, answer.json]).toEqual([404, none.json]);
      }
      const refused = (await gateway.harness.client.events(id)).filter(
        (one) => one.type === 'statement_refused',
      );
      expect(refused).toEqual([]);
      // Who may read it is told what is wrong; what someone signed who was shown it may be carried by anyone.
      expect(await post('ci/payments', junk)).toMatchObject({ status: 200, json: { accepted: false } });
      expect(await post('bot/deployer', genuine)).toMatchObject({ status: 200, json: { accepted: true } });
    });

    it('TTA-5 are not made by a workflow that says of itself that it was approved', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      await gateway.harness.cast.settled(json.task);
      const { directory, policy } = await gateway.gateway.bundles.current();
      expect(directory.digest).toMatch(/^sha-256:/);
      const events = await gateway.harness.client.events(json.task.id);
      const [submitted, , assessed] = events;
      if (submitted?.type !== 'submitted' || assessed?.type !== 'assessed') throw new Error('unexpected');
      // What the forger has: a real submission, and an assessment bent to a permit.
      const bent = { ...assessed.assessment, outcome: 'permit' as const };
      const { path: _path, ...rest } = bent;
      const proof = await proveAuthorised(
        { submission: submitted.submission, assessment: rest, statements: [] },
        Date.now(),
        new SignedDirectory(directory),
        policy,
      );
      expect(proof).toMatchObject({ ok: false });
    });
  });
}
