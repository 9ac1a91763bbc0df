import { gatewayConfigSchema } from '../../../src/gateway/config';
import { warningsAbout } from '../../../src/gateway/issuers-config';

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

describe('TTA-1 a repository is known by what nobody else can come to have', () => {
  const warningsOf = (claims: object, kind = 'github-actions') =>
    warningsAbout(
      gatewayConfigSchema.parse({
        issuers: [
          {
            ...{ kind, issuer: kind === 'spiffe' ? 'spiffe://a' : GITHUB, audience: AUDIENCE },
            jwksUri: 'https://x.example/keys',
            identities: [{ principal: 'ci/payments', claims }],
          },
        ],
      }).issuers,
    );

  it.each([
    [REPOSITORY],
    [{ repository: 'acme/payments', environment: 'production' }],
    [{ sub: 'repo:acme/payments:ref:refs/heads/main' }],
  ])('%j alone is warned of, with what to add', (claims) => {
    expect(warningsOf(claims)).toEqual([
      expect.stringMatching(
        /^issuers\[0\]\.identities\[0\]: ci\/payments is recognised by names alone .*repository_id/,
      ),
    ]);
  });

  it.each([
    [{ repository_id: '649351211', ref: 'refs/heads/main' }],
    [{ repository_id: 649351211, ref: 'refs/heads/main' }],
    [{ ...REPOSITORY, repository_owner_id: '65' }],
  ])('%j is not', (claims) => {
    expect(warningsOf(claims)).toEqual([]);
  });

  it('FRI-2 a project of GitLab is known by its id, and by a branch with its kind or an environment', () => {
    const [byPath] = warningsOf({ project_path: 'acme/payments', environment: 'production' }, 'gitlab-ci');
    expect(byPath).toMatch(/by names alone .*project_id/);
    expect(warningsOf({ project_id: 42, environment: 'production' }, 'gitlab-ci')).toEqual([]);
    const wide = [{ project_id: '42' }, { project_id: '42', ref: 'main' }, { namespace_id: '7' }];
    for (const claims of wide)
      expect(() => warningsOf(claims, 'gitlab-ci')).toThrow(/too wide for gitlab-ci/);
  });

  it('nor are issuers of other kinds', () => {
    expect(warningsOf({ sub: 'spiffe://a/b' }, 'spiffe')).toEqual([]);
    expect(warningsOf({ sub: 'a' }, 'oauth')).toEqual([]);
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
