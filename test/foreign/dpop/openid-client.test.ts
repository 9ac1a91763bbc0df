import path from 'node:path';
import { z } from 'zod';
import { EnforcementPoint, HolderKey } from '../../../src/enforcement';
import { createRoutes } from '../../../src/gateway/routes';
import { DecisionGateway } from '../../integration/gateway/support/decision-gateway';
import { Issuer } from '../../integration/gateway/support/issuer';
import { runNpmProgram } from '../support/npm-tools';

/* DPoP-bound tokens (RFC 9449) from oidc-provider, presented by openid-client as it is. */

jest.setTimeout(180_000);

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');
const AUDIENCE = 'https://countersign.example';
const QUESTION = {
  subject: { type: 'user', id: 'alice' },
  action: { name: 'read' },
  resource: { type: 'record', id: 'record-1' },
};

const saidSchema = z.object({
  calls: z.array(z.object({ status: z.number(), body: z.object({ decision: z.boolean() }) })),
  answers: z.array(z.object({ status: z.number(), challenge: z.string().nullable(), hasNonce: z.boolean() })),
});

describe.each([false, true])('SHP-4 with nonces of this replica: %s', (nonces) => {
  let issuer: Issuer;
  let gateway: DecisionGateway;
  beforeAll(async () => {
    issuer = await Issuer.start(AUDIENCE, ['harness']);
    gateway = await DecisionGateway.start(FIXTURE, ['service/harness'], () => ({
      enforcementPoints: ['service/harness'],
      dpop: { nonces },
      issuers: [
        {
          kind: 'oauth',
          issuer: issuer.url,
          jwksUri: `${issuer.url}/jwks`,
          audience: AUDIENCE,
          identities: [{ principal: 'service/harness', claims: { sub: 'harness' } }],
        },
      ],
    }));
  });
  afterAll(async () => {
    await gateway?.stop();
    await issuer?.stop();
  });

  it.each([
    'ES256',
    'Ed25519',
    'EdDSA',
  ])('TTA-1 openid-client is let in with a key of %s', async (algorithm) => {
    const url = `${gateway.web.base}/access/v1/evaluation`;
    const said = await runNpmProgram(
      'openid-client.mjs',
      {
        ...{ issuer: issuer.url, id: 'harness', secret: 'secret-of-harness', resource: AUDIENCE },
        ...{ url, body: QUESTION, algorithm },
      },
      { NODE_EXTRA_CA_CERTS: path.join(gateway.dir, 'tls.crt') },
    );
    const { calls, answers } = saidSchema.parse(said);
    expect(calls).toMatchObject([{ status: 200 }, { status: 200 }]);
    // Only the very first call has to be made again: every answer brings the next nonce.
    expect(answers.map(({ status }) => status)).toEqual(nonces ? [401, 200, 200] : [200, 200]);
    expect(answers.every(({ hasNonce }) => hasNonce === nonces)).toBe(true);
    if (nonces) expect(answers[0]?.challenge).toMatch(/^DPoP .*algs="ES256 .*error="use_dpop_nonce"/);
  });

  it('our own client makes the first call again, and no more', async () => {
    const holderKey = await HolderKey.make();
    const app = createRoutes(gateway.gateway);
    const statuses: number[] = [];
    const point = new EnforcementPoint({
      decisionPoint: gateway.web.base,
      accessToken: () => issuer.token('harness', holderKey),
      holderKey,
      boundAccessToken: true,
      fetch: async (input, init) => {
        const response = await app.fetch(new Request(input, init));
        statuses.push(response.status);
        return response;
      },
    });
    await point.evaluate(QUESTION);
    await point.evaluate(QUESTION);
    // The first answer is the metadata's.
    expect(statuses).toEqual(nonces ? [200, 401, 200, 200] : [200, 200, 200]);
  });
});
