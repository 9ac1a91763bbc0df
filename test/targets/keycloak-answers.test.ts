import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KeycloakRealm } from '../../src/connectors/keycloak-group/realm';

/** Runs `work` with a realm behind which something answers that is not Keycloak. `answer` says what, for everything but the token. */
async function withRealm<T>(
  answer: (request: IncomingMessage) => unknown,
  work: (realm: KeycloakRealm) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    request.resume();
    const isToken = request.url?.endsWith('/token') === true;
    response.end(JSON.stringify(isToken ? { access_token: 'x', expires_in: 60 } : answer(request)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const login = { realm: 'company', clientId: 'countersign', clientSecret: 'x' };
  try {
    return await work(new KeycloakRealm({ url: `http://127.0.0.1:${port}`, ...login }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('TGT-1 TGT-4 answers that Keycloak should not give', () => {
  const someone = { id: 'the-id-of-another', username: 'jonas2', enabled: true };

  test('an account that was not asked for is not taken for the one that was', async () => {
    const found = await withRealm(
      () => [someone],
      (realm) => realm.findAccount('jonas'),
    );
    expect(found).toEqual({
      refused: 'there is no user jonas in the realm, or the connector may not see them',
    });
  });

  test('a list without an end is an error, not half a list', async () => {
    let pages = 0;
    const endless = () => {
      pages += 1;
      return Array.from({ length: 500 }, () => someone);
    };
    await withRealm(endless, (realm) =>
      expect(realm.members('a-group')).rejects.toMatchObject({
        isPermanent: true,
        message: expect.stringMatching(/^Keycloak answered more than 100000 rows/),
      }),
    );
    expect(pages).toBeLessThan(210);
  });

  test('an answer of another form is an error, and says nothing of what was in it', async () => {
    const odd = () => [{ ...someone, username: ['secret'] }];
    await withRealm(odd, async (realm) => {
      await expect(realm.findAccount('jonas')).rejects.toMatchObject({
        isPermanent: true,
        message: 'Keycloak answered /users with something else than its protocol has',
      });
      await expect(realm.members('a-group')).rejects.toMatchObject({ isPermanent: true });
    });
  });
});
