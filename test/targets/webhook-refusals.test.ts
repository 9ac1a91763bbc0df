import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webhook } from '../../src/connectors/webhook/definition';
import { nameOfGrant, WebhookTarget } from '../../src/connectors/webhook/target';
import { ExampleService, OTHER_SECRET, SECRET } from '../support/targets/webhook-service';

const DBA = { group: 'dba' };
const ACCESS = { account: 'jonas', grant: DBA, grantName: 'group=dba' };

let service: ExampleService;
beforeAll(async () => {
  service = await ExampleService.start('typescript');
}, 120_000);
afterAll(() => service?.stop());

const target = (url: string, secret = SECRET) => new WebhookTarget({ url, secret });
const past = () => target(service.url);

/** Runs `work` with the address of a server that answers as `listener` says. */
async function withServer<T>(listener: RequestListener, work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('TGT-4 a service that refuses is told at once, in its own words', () => {
  const lease = { leaseId: 'wrong-0001', expiresAtMs: Date.now() + 60_000 };

  test('a wrong secret and an unknown grant are permanent; an answer that is not of the contract too', async () => {
    await expect(target(service.url, OTHER_SECRET).give(ACCESS, lease)).rejects.toMatchObject({
      isPermanent: true,
      message: 'the service refused: 401 the signature is wrong',
    });
    const nothing = { ...ACCESS, grant: { group: 'nothing' } };
    await expect(past().give(nothing, lease)).rejects.toMatchObject({
      isPermanent: true,
      message: 'the service refused: 422 there is no group nothing',
    });
    const [reach] = await webhook.check(
      { url: service.url, secret: OTHER_SECRET },
      { grants: [DBA], accounts: ['jonas'] },
    );
    expect(reach).toEqual({
      what: 'reach',
      ok: false,
      detail: 'the service refused: 401 the signature is wrong',
    });
  });

  test.each([
    ['an overlong answer', 200, 'x'.repeat(5 * 1024 * 1024), true],
    ['something that is not JSON', 200, 'hello', true],
    ['a redirection', 302, '', true],
    ['an error of the server', 500, '{"error":"out of memory"}', false],
    ['too many requests', 429, '', false],
  ])('%s', async (_, status, body, isPermanent) => {
    const answer: RequestListener = (request, response) => {
      request.resume();
      response.writeHead(status, { location: service.url }).end(body);
    };
    await withServer(answer, (url) =>
      expect(target(url).holds(ACCESS)).rejects.toMatchObject({ isPermanent }),
    );
  });

  test.each([
    301, 302, 303, 307, 308,
  ])('a redirection (%i) is not followed: no other server gets the signed request', async (status) => {
    let asked = 0;
    const other: RequestListener = (request, response) => {
      asked += 1;
      request.resume();
      response.end('{"held":true}');
    };
    await withServer(other, (location) =>
      withServer(
        (request, response) => {
          request.resume();
          response.writeHead(status, { location }).end();
        },
        (url) =>
          expect(target(url).holds(ACCESS)).rejects.toMatchObject({
            isPermanent: true,
            message: `the service refused: ${status}`,
          }),
      ),
    );
    expect(asked).toBe(0);
  });

  test('an answer is read up to 4 MiB, and the connection is closed then', async () => {
    const MEBIBYTE = 1024 * 1024;
    const padding = (bytes: number) => `{"held":true,"padding":"${'x'.repeat(bytes)}"}`;
    const isHeld = (body: string) =>
      withServer(
        (request, response) => {
          request.resume();
          response.end(body);
        },
        (url) => target(url).holds(ACCESS),
      );
    expect(await isHeld(padding(4 * MEBIBYTE - 100))).toBe(true);
    const tooLong = { isPermanent: true, message: 'the service answered with more than 4194304 bytes' };
    await expect(isHeld(padding(4 * MEBIBYTE))).rejects.toMatchObject(tooLong);
    // A service that goes on for ever: what it could send is what the connector has read, and what the network holds.
    let sent = 0;
    const endless: RequestListener = (request, response) => {
      request.resume();
      response.write('{"held":true,"padding":"');
      const more = () => {
        let hasRoom = true;
        while (hasRoom && !response.destroyed) {
          hasRoom = response.write('x'.repeat(65_536));
          sent += 65_536;
        }
      };
      response.on('drain', more);
      more();
    };
    await withServer(endless, (url) => expect(target(url).holds(ACCESS)).rejects.toMatchObject(tooLong));
    expect(sent).toBeGreaterThan(4 * MEBIBYTE);
    expect(sent).toBeLessThan(32 * MEBIBYTE);
  });

  test('check says which grants and accounts the service does not know', async () => {
    const expected = { grants: [DBA, { group: 'nothing' }], accounts: ['jonas', 'left'] };
    const checks = await webhook.check({ url: service.url, secret: SECRET }, expected);
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['reach', true],
      ['grant group=dba', true],
      ['grant group=nothing', false],
      ['account jonas', true],
      ['account left', false],
    ]);
  });

  test('what a service lists without being asked is none of our business', async () => {
    const told = [
      { account: 'jonas', grant: DBA },
      { account: 'mira', grant: { group: 'of others' } },
    ];
    const talk: RequestListener = (request, response) => {
      request.resume();
      response.end(JSON.stringify({ access: told.map((one) => ({ ...one, leaseId: 'x' })) }));
    };
    await withServer(talk, async (url) => {
      expect(await target(url).holders([DBA])).toEqual([{ account: 'jonas', grant: 'group=dba' }]);
      expect((await target(url).marked([DBA])).map(({ account }) => account)).toEqual(['jonas']);
    });
  });

  test('odd names travel unchanged, and two grants that differ have names that differ', async () => {
    expect(nameOfGrant({ b: 'x', a: 'y' })).toBe(nameOfGrant({ a: 'y', b: 'x' }));
    expect(nameOfGrant({ a: 'x, b=y' })).not.toBe(nameOfGrant({ a: 'x', b: 'y' }));
    expect(await past().refuse({ ...ACCESS, account: "o'brien, ünïcode=\\" })).toBe(
      "there is nobody called o'brien, ünïcode=\\",
    );
  });

  test('plain HTTP is for this machine alone, and a secret has the form of Standard Webhooks', () => {
    const isGood = (url: string, secret = SECRET) => webhook.settings.safeParse({ url, secret }).success;
    expect([isGood('https://service.example/'), isGood('http://127.0.0.1:1/')]).toEqual([true, true]);
    expect([isGood('http://service.example/'), isGood('ftp://x/'), isGood('https://x/', 'short')]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
