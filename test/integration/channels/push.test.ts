import { randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, jwtVerify } from 'jose';
import { Undelivered } from '../../../src/channels';
import { PushNotifier } from '../../../src/channels/notifiers/push';
import { makePushKey, readPushKey } from '../../../src/push/push-key';
import { PushSubscriptions } from '../../../src/push/subscriptions';
import { startPostgres, type TestPostgres } from '../../support/postgres';
import { type Pushed, PushReceiver, PushService } from '../../support/push-service';

const CONTACT = 'mailto:ops@example.com';
const key = readPushKey(makePushKey());
const vapid = { subject: CONTACT, publicKey: key?.publicKey ?? '', privateKey: key?.privateKey ?? '' };

let postgres: TestPostgres;
let service: PushService;
let subscriptions: PushSubscriptions;

beforeAll(async () => {
  [postgres, service] = [await startPostgres(), await PushService.start()];
  subscriptions = new PushSubscriptions({ url: postgres.url });
}, 60_000);
beforeEach(async () => {
  await subscriptions.people();
  await postgres.query('TRUNCATE countersign.push_subscription');
  service.pushed.length = 0;
  service.answers.clear();
});
afterAll(async () => {
  await subscriptions?.close();
  await service?.stop();
  postgres?.stop();
});

const notice = (request: string, verb?: 'approve') => ({
  ...({ key: request, kind: 'awaiting', person: 'person/mira', request, sinceMs: 0 } as const),
  subject: {
    ...({
      digest: `sha-256:${'A'.repeat(43)}`,
      requester: 'ci/payments',
      beneficiary: 'ci/payments',
    } as const),
    entitlement: 'warehouse:payments#write',
    words: 'the password is 1234',
    ...(verb && { verb }),
  },
});
const message = (...notices: readonly ReturnType<typeof notice>[]) => ({
  ...{ id: `msg_${randomUUID()}`, person: 'person/mira', createdAtMs: Date.now(), notices, more: 0 },
});

async function subscribe(person = 'person/mira', name: string = randomUUID(), atMs = Date.now()) {
  const receiver = new PushReceiver();
  await subscriptions.add(person, { endpoint: `${service.url}/${name}`, keys: receiver.keys }, atMs);
  return { receiver, path: `/${name}` };
}

const notifier = (more: object = {}) =>
  new PushNotifier({ vapid, subscriptions, allowInternal: true, ...more });

describe('FRI-2 a person is told in the browsers in which they asked for it', () => {
  test('each gets a line that it alone can read, and that names nothing', async () => {
    const [phone, laptop] = [await subscribe(), await subscribe()];
    await subscribe('person/tomas');
    await notifier().deliver(message(notice('abcdefgh-1', 'approve'), notice('abcdefgh-2', 'approve')));
    expect(service.pushed.map(({ path }) => path).toSorted()).toEqual([phone.path, laptop.path].toSorted());
    for (const { receiver, path } of [phone, laptop]) {
      const [pushed] = service.pushed.filter((one) => one.path === path);
      const text = receiver.decrypt(pushed?.body ?? Buffer.alloc(0));
      expect(JSON.parse(text)).toEqual({ body: '2 requests wait for you', page: '/' });
    }
    await notifier().deliver(message(notice('abcdefgh-1', 'approve')));
    const last = service.pushed.filter(({ path }) => path === phone.path).at(-1);
    expect(JSON.parse(phone.receiver.decrypt(last?.body ?? Buffer.alloc(0)))).toEqual({
      body: '1 request waits for you',
      page: '/requests/abcdefgh-1',
    });
  });

  test('the push service learns who we are and how long to keep it, signed by our key, for itself alone', async () => {
    await subscribe();
    await notifier().deliver(message(notice('abcdefgh-1')));
    const { headers } = service.pushed[0] ?? { headers: {} as Pushed['headers'] };
    expect(headers).toMatchObject({ ttl: '14400', urgency: 'high', 'content-encoding': 'aes128gcm' });
    const [, token = '', shown] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization ?? '') ?? [];
    expect(shown).toBe(vapid.publicKey);
    const point = Buffer.from(vapid.publicKey, 'base64url');
    const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
    const { payload } = await jwtVerify(token, await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256'), {
      audience: service.url,
    });
    expect(payload.sub).toBe(CONTACT);
    expect((decodeJwt(token).exp ?? 0) - Date.now() / 1_000).toBeLessThanOrEqual(24 * 3_600);
  });

  test.each([
    404, 410,
  ])('a browser that is gone (%d) is forgotten, and that is no failure', async (status) => {
    const [gone, there] = [await subscribe(), await subscribe()];
    service.answers.set(gone.path, status);
    await notifier().deliver(message());
    expect((await subscriptions.of('person/mira')).map(({ endpoint }) => endpoint)).toEqual([
      `${service.url}${there.path}`,
    ]);
  });

  test('a service that is busy is asked again, one that refuses is not; one browser of two is enough', async () => {
    const one = await subscribe();
    service.answers.set(one.path, 503);
    await expect(notifier().deliver(message())).rejects.toMatchObject({
      name: 'Undelivered',
      isFinal: false,
    });
    service.answers.set(one.path, 400);
    await expect(notifier().deliver(message())).rejects.toMatchObject({ name: 'Undelivered', isFinal: true });
    await subscribe();
    await notifier().deliver(message());
    expect(await subscriptions.of('person/mira')).toHaveLength(2);
  });

  test('nothing is sent to an inner address, or over plain http, unless the settings allow it', async () => {
    await subscribe();
    await expect(notifier({ allowInternal: false }).deliver(message())).rejects.toThrow(Undelivered);
    await postgres.query('TRUNCATE countersign.push_subscription');
    const { keys } = new PushReceiver();
    await subscriptions.add('person/mira', { endpoint: 'http://push.example/x', keys }, 0);
    const elsewhere = notifier({ allowInternal: false, resolve: async () => ['192.0.43.10'] });
    await expect(elsewhere.deliver(message())).rejects.toThrow(Undelivered);
    expect(service.pushed).toEqual([]);
  });

  test('without a database nothing can be sent, and it says so', async () => {
    await expect(notifier({ subscriptions: undefined }).deliver(message())).rejects.toThrow(/no database/);
  });
});

describe('FRI-2 who is subscribed', () => {
  test('a person has eight browsers at most: a further one takes the place of the oldest', async () => {
    for (let count = 0; count < 10; count += 1) await subscribe('person/mira', `browser-${count}`, count);
    const kept = (await subscriptions.of('person/mira')).map(({ endpoint }) => endpoint.split('/').at(-1));
    expect(kept).toEqual(Array.from({ length: 8 }, (_, index) => `browser-${index + 2}`));
  });

  test('a browser tells the person who subscribed it last, and only they end that', async () => {
    await subscribe('person/mira', 'shared');
    await subscribe('person/tomas', 'shared');
    expect(await subscriptions.people()).toEqual(['person/tomas']);
    await subscriptions.remove('person/mira', `${service.url}/shared`);
    expect(await subscriptions.people()).toEqual(['person/tomas']);
    await subscriptions.remove('person/tomas', `${service.url}/shared`);
    expect(await subscriptions.people()).toEqual([]);
  });
});
