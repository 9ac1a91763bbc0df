import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, generateKeyPair, SignJWT } from 'jose';
import { jwsOf } from '../../support/signing/jws';
import { approvalAttackCases } from './cases/approval-attacks';
import { httpAttackCases } from './cases/http-attacks';
import type { Answer } from './support/http';
import { actionOf, CONTAINED, RequestGateway, rotation, WRITE } from './support/request-gateway';
import { Holder } from './support/tokens';

jest.setTimeout(120_000);

let gateway: RequestGateway;
let holder: Holder;
let redeemUrl: string;
let versions = 100;

beforeAll(async () => {
  gateway = await RequestGateway.start();
  holder = await Holder.make();
  redeemUrl = `${gateway.url}/v1/execution-tokens/redeem`;
});
afterAll(() => gateway?.stop());

/** A request for an exact action, signed for by whom it takes. */
async function approvedRotation(version = versions++) {
  const evaluation = rotation(version);
  const { json } = await gateway.ask('ci/payments', evaluation, { context: CONTAINED });
  const { id } = json.task;
  expect((await gateway.say('person/mira', 'approve', id)).json.accepted).toBe(true);
  expect((await gateway.read('ci/payments', id, 30)).json.task.status).toBe('approved');
  return { id: id as string, evaluation };
}

async function release(id: string, by = holder, who = 'ci/payments'): Promise<Answer> {
  const authorization = await gateway.token(who);
  const iat = Math.floor((Date.now() + gateway.clock.offsetMs) / 1_000);
  const dpop = await by.proof('POST', `${gateway.url}/v1/execution-tokens`, authorization, { iat });
  return gateway.web.call('/v1/execution-tokens', {
    body: { request: id },
    headers: { authorization: `Bearer ${authorization}`, dpop },
  });
}

async function redeem(
  token: string,
  evaluation: ReturnType<typeof rotation>,
  { by = holder, who = 'service/runner', proof }: { by?: Holder; who?: string; proof?: string } = {},
): Promise<Answer> {
  const holder_proof = proof ?? (await by.proof('POST', redeemUrl, token));
  return gateway.as(who, '/v1/execution-tokens/redeem', {
    body: { token, holder_proof, action: actionOf(evaluation) },
  });
}

const codeOf = ({ json }: Answer): string => json.code;

describe('AGE-2 execution tokens', () => {
  it('of 1,000 redemptions at once exactly one succeeds', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token } = (await release(id)).json;
    const proofs = await Promise.all(
      Array.from({ length: 1_000 }, () => holder.proof('POST', redeemUrl, token)),
    );
    const authorization = `Bearer ${await gateway.token('service/runner')}`;
    const attempt = (holder_proof: string) =>
      gateway.web.call('/v1/execution-tokens/redeem', {
        body: { token, holder_proof, action: actionOf(evaluation) },
        headers: { authorization },
      });
    const answers = await Promise.all(
      proofs.map(async (proof) => {
        let answer = await attempt(proof);
        // A busy gateway says that it cannot say; whoever asks again learns what became of the token.
        while (answer.status === 503) answer = await attempt(await holder.proof('POST', redeemUrl, token));
        return answer;
      }),
    );
    const told = answers.map((answer) => (answer.status === 200 ? 'redeemed' : codeOf(answer)));
    expect(told.filter((one) => one === 'redeemed')).toHaveLength(1);
    expect(new Set(told)).toEqual(new Set(['redeemed', 'REPLAYED']));
    const [row] = await gateway.harness.postgres.query(
      'SELECT redeemed_by FROM countersign.execution WHERE request_id = $1',
      [id],
    );
    expect(row).toEqual({ redeemed_by: 'service/runner' });
    // Refused ones are on the record too, as many as it has room for.
    const { execution } = await gateway.harness.client.get(id);
    expect(execution).toMatchObject({ redeemedBy: 'service/runner', refusedRedemptions: 8 });
    // The ledger says no by itself: where nothing can be proved, a used token is a used token all the same.
    await gateway.harness.stopWorker();
    expect(codeOf(await redeem(token, evaluation))).toBe('REPLAYED');
    expect(codeOf(await release(id))).toBe('REPLAYED');
    await gateway.harness.startWorker();
  });

  it('are for their holder, their audience, their action, and their time', async () => {
    const { id, evaluation } = await approvedRotation();
    const { json } = await release(id);
    const { token } = json;
    const thief = await Holder.make();
    expect(codeOf(await redeem(token, evaluation, { by: thief }))).toBe('BAD_SIGNATURE');
    expect(codeOf(await redeem(token, evaluation, { who: 'service/migrator' }))).toBe('NOT_ELIGIBLE');
    expect(codeOf(await redeem(token, evaluation, { who: 'ci/payments' }))).toBe('NOT_ELIGIBLE');
    expect(codeOf(await redeem(token, rotation(1)))).toBe('DIGEST_MISMATCH');
    const proof = await holder.proof('POST', redeemUrl, 'another token');
    expect(codeOf(await redeem(token, evaluation, { proof }))).toBe('BAD_SIGNATURE');
    for (const changes of [
      { htm: 'GET' },
      { htu: `${gateway.url}/v1/execution-tokens` },
      { iat: Math.floor(Date.now() / 1_000) - 125 },
      { iat: Math.floor(Date.now() / 1_000) + 125 },
    ]) {
      const bad = await holder.proof('POST', redeemUrl, token, changes);
      expect(codeOf(await redeem(token, evaluation, { proof: bad }))).toBe('BAD_SIGNATURE');
    }
    // Bound to one key as long as it lives; the same key may ask again, and the older token falls away.
    expect(codeOf(await release(id, thief))).toBe('NOT_NOW');
    const { token: newer } = (await release(id)).json;
    expect(codeOf(await redeem(token, evaluation))).toBe('REPLAYED');
    gateway.clock.offsetMs = 301_000;
    const late = await redeem(newer, evaluation);
    gateway.clock.offsetMs = 0;
    expect(codeOf(late)).toBe('EXPIRED_STATEMENT');
    // Each refusal is logged, also those that the record has no room for, and those of what is no token.
    const logged = () =>
      gateway.logged
        .map(({ about }) => about)
        .filter((about) => 'outcome' in about && about.outcome === 'redemption_refused');
    const ofThis = logged().filter((about) => 'request' in about && about.request === id);
    expect(ofThis).toHaveLength(11);
    expect(ofThis.at(-1)).toMatchObject({ reasonCode: 'EXPIRED_STATEMENT', reporter: 'service/runner' });
    const before = logged().length;
    expect(codeOf(await redeem(token.replace(/.{8}$/, 'AAAAAAAA'), evaluation))).toBe('BAD_SIGNATURE');
    expect(logged()).toHaveLength(before + 1);
    const { json: done } = await redeem(newer, evaluation);
    expect(done).toMatchObject({ request: id, parameters: actionOf(evaluation) });
    const { execution } = await gateway.harness.client.get(id);
    expect(execution).toMatchObject({ redeemedBy: 'service/runner', refusedRedemptions: 8 });
  });

  it('are had by another key once the first has lost its own, used once all the same, and reported by their audience', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token: lost } = (await release(id)).json;
    const next = await Holder.make();
    const refused = await release(id, next);
    expect([refused.status, codeOf(refused)]).toEqual([409, 'NOT_NOW']);
    gateway.clock.offsetMs = 301_000;
    const rebound = (await release(id, next)).json;
    gateway.clock.offsetMs = 0;
    expect(codeOf(await redeem(lost, evaluation))).toBe('BAD_SIGNATURE');
    expect((await redeem(rebound.token, evaluation, { by: next })).status).toBe(200);
    gateway.clock.offsetMs = 301_000;
    expect(codeOf(await release(id))).toMatch(/REPLAYED|LEASE_ENDED/);
    gateway.clock.offsetMs = 0;
    // Who refuses a use by itself says so, of what is for it, with a reason.
    const said = (body: object, who = 'service/runner') =>
      gateway.as(who, '/v1/executions/outcome', { body: { request: id, ...body } });
    const refusal = { outcome: 'redemption_refused', reason_code: 'REPLAYED' };
    expect((await said(refusal)).json).toMatchObject({ recorded: true });
    expect((await said(refusal, 'service/migrator')).status).toBe(404);
    expect((await said({ outcome: 'redemption_refused' })).status).toBe(400);
    expect((await said({ ...refusal, outcome: 'failed' })).status).toBe(400);
    const { execution } = await gateway.harness.client.get(id);
    expect(execution).toMatchObject({ redeemedBy: 'service/runner', refusedRedemptions: 2 });
  });

  it('are not had by others, nor before sign-off, nor after revocation', async () => {
    const { json } = await gateway.ask('ci/payments', rotation(versions++), { context: CONTAINED });
    const { id } = json.task;
    expect(codeOf(await release(id))).toBe('NOT_AUTHORISED');
    expect((await release(id, holder, 'bot/deployer')).status).toBe(404);
    expect((await release(`arq_${'x'.repeat(32)}`)).status).toBe(404);
    const unproved = await gateway.as('ci/payments', '/v1/execution-tokens', { body: { request: id } });
    expect(unproved.status).toBe(400);
    const { id: approved, evaluation } = await approvedRotation();
    const { token } = (await release(approved)).json;
    expect((await gateway.say('person/mira', 'revoke', approved)).json.accepted).toBe(true);
    await gateway.harness.cast.over({ id: approved });
    expect(codeOf(await redeem(token, evaluation))).toBe('LEASE_ENDED');
    expect(codeOf(await release(approved))).toBe('LEASE_ENDED');
  });

  it('TTA-6 fall with the policy and the people they rest on', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token } = (await release(id)).json;
    const restore = gateway.harness.bundle.change('access.cedar', (text) =>
      text.replace(
        'action in [Action::"migrate", Action::"rotate", Action::"destroy"]',
        'action == Action::"destroy"',
      ),
    );
    expect(codeOf(await redeem(token, evaluation))).toBe('POLICY_CHANGED');
    restore();
    const restorePeople = gateway.harness.bundle.change('directory.yaml', (text) =>
      text.replace(/(payments-leads:[^\]]*?)person\/mira,\s*/, '$1'),
    );
    expect((await redeem(token, evaluation)).status).toBe(403);
    restorePeople();
    expect((await redeem(token, evaluation)).status).toBe(200);
  });

  it('TTA-5 cannot be made fresh by a reset of the workflow', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token } = (await release(id)).json;
    expect((await redeem(token, evaluation)).status).toBe(200);
    const handle = gateway.harness.temporal.workflow.getHandle(`access-request/${id}`);
    const { runId } = await handle.describe();
    const history = await handle.fetchHistory();
    const firstTask = history.events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    await gateway.harness.temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: `access-request/${id}`, runId },
      reason: 'an attacker wants a fresh one',
      requestId: randomUUID(),
      workflowTaskFinishEventId: firstTask?.eventId ?? null,
    });
    expect(codeOf(await redeem(token, evaluation))).toMatch(/REPLAYED|NOT_AUTHORISED/);
    const again = await release(id);
    expect(codeOf(again)).toMatch(/REPLAYED|NOT_AUTHORISED/);
  });

  it('are no token for anything else, and nothing else is one', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token } = (await release(id)).json;
    const asCaller = await gateway.web.call('/v1/awaiting', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(asCaller.status).toBe(401);
    const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: WRITE });
    const binding = json.context.access_request.binding_token;
    expect(codeOf(await redeem(binding, evaluation))).toBe('BAD_SIGNATURE');
    const claims = decodeJwt(token);
    const { privateKey } = await generateKeyPair('EdDSA');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const shared = new TextEncoder().encode(JSON.stringify(gateway.gateway.keys.publicJwk));
    const header = { typ: 'countersign-execution+jwt', kid: gateway.gateway.keys.publicJwk.kid ?? '' };
    const forged = [
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'EdDSA' }).sign(privateKey),
      // The public key as a shared secret, and no signature at all.
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(shared),
      `${b64({ ...header, alg: 'none' })}.${b64(claims)}.`,
      `${b64({ ...header, alg: 'EdDSA', kid: '../../etc/passwd' })}.${b64(claims)}.${'A'.repeat(86)}`,
      `${b64({ ...header, alg: 'EdDSA', jwk: publicKey.export({ format: 'jwk' }) })}.${b64(claims)}.${'A'.repeat(86)}`,
    ];
    for (const one of forged) expect(codeOf(await redeem(one, evaluation))).toBe('BAD_SIGNATURE');
  });
});

/** All text in a history, payloads decoded. */
function textIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(textIn).join('\n');
}

const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('what a gateway attests', () => {
  it('TTA-1, TTA-5 is worth a channel, names only who showed a token, and keeps no token', async () => {
    const { json } = await gateway.ask('ci/payments', WRITE);
    const view = await gateway.harness.cast.settled(json.task);
    expect(view.recognition).toMatchObject({
      principal: 'ci/payments',
      assurance: 'channel',
      channel: 'gateway',
    });
    const { proof } = await gateway.harness.client.submissionOf(json.task.id);
    const claims = decodeJwt(jwsOf(proof));
    expect(claims).toMatchObject({
      iss: 'service/gateway',
      sub: 'ci/payments',
      via: { issuer: 'directory' },
    });
    expect(claims['via']).toMatchObject({ token: expect.stringMatching(/^sha-256:/) });
    const history = JSON.stringify(await gateway.harness.client.history(json.task.id));
    expect(history).not.toContain((await gateway.token('ci/payments')).split('.')[0]);
  });

  it('FRI-3 no token is in a history or in the log', async () => {
    const { id, evaluation } = await approvedRotation();
    const { token } = (await release(id)).json;
    await redeem(token, evaluation);
    const signature = token.split('.')[2] ?? 'none';
    const kept = textIn(await gateway.harness.client.history(id));
    expect(kept).toContain('vault-rotate');
    expect(kept).toContain('redeemed');
    expect(kept).not.toContain(signature);
    expect(JSON.stringify(gateway.logged)).not.toContain(signature);
  });
});

approvalAttackCases(() => gateway);
httpAttackCases(() => gateway);
