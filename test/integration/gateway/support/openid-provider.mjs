// A real OpenID provider on loopback, for tests: clients with a secret get JWT access tokens, bound to a key where they
// show a DPoP proof. Prints its address. Arguments: port, audience, then one client id for each client.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const [port, audience, ...clientIds] = process.argv.slice(2);
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const key = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'issuer-1' };
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  clients: clientIds.map((client_id) => ({
    client_id,
    client_secret: `secret-of-${client_id}`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    id_token_signed_response_alg: 'ES256',
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
  })),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true, allowReplay: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      // The gateway and its MCP endpoint are resources of their own.
      getResourceServerInfo: (_context, resource) => ({
        scope: '',
        audience: resource === `${audience}/mcp` ? resource : audience,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
      useGrantedResource: () => true,
    },
  },
});
createServer(provider.callback()).listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`ready ${issuer}\n`);
});
