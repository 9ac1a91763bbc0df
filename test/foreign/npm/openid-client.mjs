// Calls a protected resource with a DPoP-bound token, as openid-client does it. Prints status, body and scheme of each answer.
import * as client from 'openid-client';

const { issuer, id, secret, resource, url, body, algorithm } = JSON.parse(process.argv[2]);
const config = await client.discovery(new URL(issuer), id, secret, client.ClientSecretPost(secret), {
  execute: [client.allowInsecureRequests],
});
const answers = [];
config[client.customFetch] = async (address, options) => {
  const response = await fetch(address, options);
  if (String(address) === url)
    answers.push({
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      hasNonce: response.headers.has('dpop-nonce'),
    });
  return response;
};
const keys = await client.randomDPoPKeyPair(algorithm);
const DPoP = client.getDPoPHandle(config, keys);
const { access_token: token } = await client.clientCredentialsGrant(config, { resource }, { DPoP });
const call = async () => {
  const headers = new Headers({ 'content-type': 'application/json' });
  const options = [config, token, new URL(url), 'POST', JSON.stringify(body), headers, { DPoP }];
  try {
    const response = await client.fetchProtectedResource(...options);
    return { status: response.status, body: await response.json() };
  } catch (error) {
    return { error: error.code ?? error.name, message: error.message };
  }
};
const calls = [await call(), await call()];
process.stdout.write(JSON.stringify({ calls, answers }));
