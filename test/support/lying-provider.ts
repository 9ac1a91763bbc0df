import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

/** What an ID token says, and how it is signed. */
export interface Told {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Signs with a key that the provider does not publish. */
  readonly byStranger?: boolean;
  /** In place of a token that is signed at all. */
  readonly raw?: string;
}

/** An identity provider that tells what a test wants: a real one (see `TestKeycloak`) cannot be made to lie. */
export class LyingProvider {
  /** Makes the ID token for the claims that an honest provider would put in. */
  tells: (honest: Readonly<Record<string, unknown>>) => Told = (claims) => ({ claims });
  /** What is asked of the authorization endpoint; its `nonce` goes into honest tokens. */
  asked = new URLSearchParams();
  /** Forms that the token endpoint received. */
  readonly redeemed: URLSearchParams[] = [];

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
    private readonly own: Pair,
    private readonly stranger: Pair,
  ) {}

  static async start(): Promise<LyingProvider> {
    const [own, stranger] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        provider.#answer(request.url ?? '', Buffer.concat(chunks).toString()).then(
          (answer) =>
            response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
          () => response.writeHead(500).end(),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const provider = new LyingProvider(`http://127.0.0.1:${port}`, server, own, stranger);
    return provider;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  async #answer(path: string, body: string): Promise<object> {
    const { issuer } = this;
    if (path === '/.well-known/openid-configuration')
      return {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
      };
    if (path === '/jwks')
      return { keys: [{ ...(await exportJWK(this.own.publicKey)), alg: 'RS256', kid: 'own' }] };
    this.redeemed.push(new URLSearchParams(body));
    return { access_token: 'opaque', token_type: 'bearer', id_token: await this.#idToken() };
  }

  async #idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const honest = {
      ...{ iss: this.issuer, aud: this.asked.get('client_id'), sub: 'mira-at-the-provider' },
      ...{ iat: now, exp: now + 300, nonce: this.asked.get('nonce'), preferred_username: 'mira' },
    };
    const { claims, byStranger = false, raw } = this.tells(honest);
    if (raw !== undefined) return raw;
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'own' })
      .sign((byStranger ? this.stranger : this.own).privateKey);
  }
}
