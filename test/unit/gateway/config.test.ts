import { gatewayConfigSchema } from '../../../src/gateway/config';

const AUDIENCE = 'https://countersign.example';
const GITHUB = 'https://token.actions.githubusercontent.com';
const REPOSITORY = { repository: 'acme/payments', ref: 'refs/heads/main' };

describe('a configuration', () => {
  const issuerWith = (changes: object) => ({
    issuers: [
      {
        kind: 'github-actions',
        issuer: GITHUB,
        jwksUri: 'https://x.example/keys',
        audience: AUDIENCE,
        identities: [{ principal: 'ci/payments', claims: REPOSITORY }],
        ...changes,
      },
    ],
  });

  it.each([
    [
      'a mapping that any branch would fit',
      { identities: [{ principal: 'ci/payments', claims: { repository: 'acme/payments' } }] },
    ],
    [
      'a mapping that anyone would fit',
      { identities: [{ principal: 'ci/payments', claims: { repository_owner: 'acme' } }] },
    ],
    ['an empty mapping', { identities: [{ principal: 'ci/payments', claims: {} }] }],
    ['a shared-key algorithm', { algorithms: ['HS256'] }],
    ['keys over plain http', { jwksUri: 'http://keys.example/jwks' }],
    ['no keys', { jwksUri: undefined }],
    ['a trust domain with a path', { kind: 'spiffe', issuer: 'spiffe://a/b' }],
    ['an unknown word', { audiences: [AUDIENCE] }],
  ])('%s is refused', (_name, changes) => {
    expect(gatewayConfigSchema.safeParse(issuerWith({})).success).toBe(true);
    expect(gatewayConfigSchema.safeParse(issuerWith(changes)).success).toBe(false);
  });
});

describe('an address', () => {
  it('is https, but on loopback: the connection has to be secured', () => {
    const at = (publicUrl: string) => gatewayConfigSchema.safeParse({ publicUrl }).success;
    expect(at('https://pdp.example')).toBe(true);
    expect(at('http://127.0.0.1:8080')).toBe(true);
    for (const address of [
      'http://pdp.example',
      'http://10.0.0.1',
      'https://pdp.example/#x',
      'ftp://pdp.example',
    ])
      expect(at(address)).toBe(false);
  });
});
