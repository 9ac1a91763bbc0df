import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { HolderKey } from '../../../src/enforcement';
import { PageStack } from '../../support/pages';
import { Visiting } from '../../support/visiting';
import { denialOf, JUSTIFIED, WRITE } from './support/evaluations';
import { type Answer, Web } from './support/http';
import { Issuer } from './support/issuer';
import { selfSigned } from './support/tokens';

/* Two gateways with one key and one database behind one address, and each of them by itself. */

jest.setTimeout(120_000);

const AUDIENCE = 'https://countersign.example';
let issuer: Issuer;
let stack: PageStack;
let gateways: readonly [Web, Web];
let visiting: Visiting;

beforeAll(async () => {
  issuer = await Issuer.start(AUDIENCE, ['payments']);
  stack = await PageStack.start(['person/mira'], () => ({
    dpop: { nonces: true },
    issuers: [
      {
        ...{ kind: 'oauth', issuer: issuer.url, jwksUri: `${issuer.url}/jwks`, audience: AUDIENCE },
        identities: [{ principal: 'ci/payments', claims: { sub: 'payments' } }],
      },
    ],
  }));
  gateways = [new Web(stack.origin), new Web(await stack.startAnother())];
  visiting = new Visiting(stack, gateways[0]);
});
afterAll(async () => {
  await stack?.stop();
  await issuer?.stop();
});

const publicUrl = () => stack.gateway.publicUrl;
const bearer = async () =>
  `Bearer ${await selfSigned('ci/payments', await stack.harness.cast.key('ci/payments'), publicUrl())}`;

const ours = () => ({ origin: stack.origin, 'sec-fetch-site': 'same-origin' });

/** Shows the same thing to one gateway and then to the other. */
async function atBoth(show: (web: Web) => Promise<Answer>): Promise<readonly number[]> {
  const [one, other] = gateways;
  return [(await show(one)).status, (await show(other)).status, (await show(one)).status];
}

async function dpopCall(): Promise<(web: Web) => Promise<Answer>> {
  const key = await HolderKey.make();
  const token = await issuer.token('payments', key);
  const url = `${publicUrl()}/access/v1/evaluation`;
  const call = (web: Web, dpop: string) =>
    web.call('/access/v1/evaluation', { body: WRITE, headers: { authorization: `DPoP ${token}`, dpop } });
  // The nonce of one gateway counts at the other.
  const asked = await call(gateways[1], await key.proof('POST', url, token));
  const proof = await key.proof('POST', url, token, String(asked.headers['dpop-nonce']));
  return (web) => call(web, proof);
}

describe('SHP-4 what one gateway took, the others refuse', () => {
  test('a DPoP proof', async () => {
    expect(await atBoth(await dpopCall())).toEqual([200, 401, 401]);
  });

  test('a denial that was answered with a request; the same request again is the same task', async () => {
    const authorization = await bearer();
    const denied = await gateways[0].call('/access/v1/evaluation', {
      body: WRITE,
      headers: { authorization },
    });
    const body = { ...WRITE, context: JUSTIFIED, denial: denialOf(denied.json) };
    const submit = (web: Web, key: string) =>
      web.call('/access/v1/requests', { body, headers: { authorization, 'idempotency-key': key } });
    const key = randomUUID();
    const [first, again] = [await submit(gateways[0], key), await submit(gateways[1], key)];
    expect(again.json.task?.id).toBe(first.json.task?.id);
    const other = await submit(gateways[1], randomUUID());
    expect([other.status, other.json.detail]).toEqual([
      expect.any(Number),
      expect.stringContaining('has been answered with another request'),
    ]);
  });

  test('an attempt to sign in', async () => {
    const begun = await gateways[0].call('/sign-in/begin', { body: {}, headers: ours() });
    const signed = stack
      .passkey('person/mira')
      .sign({}, { claims: String(begun.json.claims), origin: stack.origin, rpId: 'localhost' });
    const cookie = String([begun.headers['set-cookie'] ?? []].flat()[0]).split(';')[0] ?? '';
    const finish = (web: Web) => web.call('/sign-in', { body: signed, headers: { ...ours(), cookie } });
    expect(await atBoth(finish)).toEqual([200, 403, 403]);
  });

  test('a code of a login on the command line', async () => {
    const verifier = randomBytes(48).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const asked = { port: '40000', challenge, state: 'a-state-of-its-own' };
    const answer = await visiting.form('/login', await visiting.session('person/mira'), asked);
    const back = new URL(String(answer.headers['refresh']).replace('0; url=', ''));
    const code = back.searchParams.get('code') ?? '';
    const redeem = (web: Web) => web.call('/v1/login', { body: { code, verifier } });
    const statuses = await atBoth(redeem);
    expect(statuses[0]).toBe(200);
    expect(statuses.slice(1).every((status) => status >= 400 && status < 500)).toBe(true);
  });

  test('nothing counts while it cannot be told whether another took it', async () => {
    const call = await dpopCall();
    stack.harness.postgres.halt();
    const away = await call(gateways[0]).finally(() => stack.harness.postgres.restart());
    expect([away.status, away.headers['retry-after']]).toEqual([503, '5']);
    expect(away.json.detail).toContain('cannot be told now');
  });
});
