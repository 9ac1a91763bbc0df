import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { NoticeStore, type Notifications, PastRequests, startNotifications } from '../../../src/channels';
import { Looker } from '../../../src/channels/look';
import type { NotificationsOptions } from '../../../src/channels/notifications';
import { notifySchema } from '../../../src/channels/notify-file';
import { noticeAuthorityOver, notificationsOf, requestsOver } from '../../../src/cli/notify/beside-worker';
import { readSettings } from '../../../src/contracts/settings';
import type { DomainEvent } from '../../../src/domain/event';
import { webhookSecret, webhookSignature } from '../../../src/outbound/standard-webhooks';
import { createBundleSource, FileTicketSource } from '../../../src/policy';
import { makePushKey } from '../../../src/push/push-key';
import { PushSubscriptions } from '../../../src/push/subscriptions';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventually, eventuallyTrue, sleep } from '../../support/harness-wait';
import { HookReceiver } from '../../support/hook-receiver';
import { MailServer } from '../../support/mail-server';
import { PushReceiver, PushService } from '../../support/push-service';

const LOGIN = { user: 'countersign', password: 'the password of the mail server' };
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-notify-'));
const file = path.join(folder, 'notify.yaml');
const quiet = pino({ level: process.env['SHOW'] ?? 'silent' }, pino.destination(2));

let harness: Harness;
let mail: MailServer;
let hooks: HookReceiver;
const running: { stop(): Promise<void> }[] = [];
let ledgerUrl = '';

beforeAll(async () => {
  [harness, mail, hooks] = await Promise.all([
    Harness.start({ remembers: true }),
    MailServer.start(LOGIN),
    HookReceiver.start(),
  ]);
  ledgerUrl = harness.postgres.url;
  process.env['TEMPORAL_ADDRESS'] = harness.server.address;
  writeFileSync(path.join(folder, 'password'), LOGIN.password);
  writeFileSync(path.join(folder, 'secret'), SECRET);
  writeFileSync(path.join(folder, 'chat'), `http://127.0.0.1:${hooks.port}/chat/T0/B0/XYZ`);
  copyFileSync(mail.certificate.certFile, path.join(folder, 'ca.pem'));
}, 120_000);
beforeEach(async () => {
  await forgetEverything();
  mail.mails.length = 0;
  hooks.posts.length = 0;
  await everythingEnded();
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});
afterAll(async () => {
  await Promise.all([harness?.stop(), mail?.stop(), hooks?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** What earlier tests asked and told has no weight in the next. */
async function forgetEverything(): Promise<void> {
  const tables = await harness.postgres.query(
    "SELECT relname AS name FROM pg_stat_user_tables WHERE schemaname = 'countersign' AND relname ~ '^(notice|ask|grant_record)'",
  );
  const names = tables.map(({ name }) => `countersign.${String(name)}`);
  if (names.length > 0) await harness.postgres.query(`TRUNCATE ${names.join(', ')}`);
}

/** Ends what an earlier test left waiting, so that it is nobody's turn. */
async function everythingEnded(): Promise<void> {
  const waiting = () => harness.client.list({ status: 'awaiting_approval', running: true });
  for (const { id } of await waiting())
    await harness.temporal.workflow.getHandle(`access-request/${id}`).terminate('the next test begins');
  await eventuallyTrue('nothing waits', async () => (await waiting()).length === 0);
}

const CHANNELS = () => `
channels:
  mail: { kind: email, host: localhost, port: ${mail.port}, from: countersign@example.com, user: ${LOGIN.user}, passwordFile: password, caFile: ca.pem }
  hooks: { kind: webhook, url: "http://127.0.0.1:${hooks.port}/hooks", secretFile: secret, allowInternal: true }
  chat: { kind: chat, style: mattermost, host: "127.0.0.1:${hooks.port}", urlFile: chat, allowInternal: true }
links: { request: "https://countersign.example.com/requests/{id}" }
`;

/** Writes notify.yaml. Those in conflict with the requests of this file, and governance, have addresses too. */
function configure(people: string, pace = 'digestWithin: 300ms'): void {
  writeFileSync(file, `${CHANNELS()}\npeople:\n${people}\npace: { ${pace} }\n`);
}

const EVERYBODY = `
  person/mira: [{ channel: mail, address: mira@example.com }]
  person/tomas: [{ channel: mail, address: tomas@example.com }]
  person/ines: [{ channel: mail, address: ines@example.com }]
  person/helen: [{ channel: mail, address: helen@example.com }]
  person/nadia: [{ channel: mail, address: nadia@example.com }]
  person/amara: [{ channel: mail, address: amara@example.com }]
  ci/payments: [{ channel: hooks }]`;
const MIRA_BY_WEBHOOK = '  person/mira: [{ channel: hooks }]';

function contextOf() {
  const settings = readSettings({ COUNTERSIGN_NOTIFY: file });
  if (!settings.ok) throw new Error(settings.problems.join());
  // More often than the setting allows, so that tests wait less.
  const often = { ...settings.settings, COUNTERSIGN_NOTIFY_INTERVAL_SECONDS: 0.2 };
  return { settings: often, env: {}, announce: () => undefined };
}

const bundleSource = () =>
  createBundleSource(harness.bundle.dir, {
    tickets: new FileTicketSource(harness.ticketsFile),
    logger: quiet,
  });

/** Tells as a worker does that was started with these settings. */
async function begin(): Promise<void> {
  const one = notificationsOf(contextOf(), {
    bundles: await bundleSource(),
    ledger: harness.ledger,
    ledgerUrl,
    logger: quiet,
  });
  if (one === undefined) throw new Error('nobody is told');
  running.push(one);
}

/** The same over a store of the test's own, which is the test's to stop. */
async function beginWith(store: NoticeStore, more: Partial<NotificationsOptions>): Promise<Notifications> {
  const past = new PastRequests(ledgerUrl);
  const authority = noticeAuthorityOver(await bundleSource(), harness.ledger);
  const one = startNotifications({
    ...{ file, store, past, logger: quiet, intervalMs: 200, ...more },
    requests: requestsOver(harness.client, authority),
    authority,
  });
  const stop = () => one.stop().then(() => past.close());
  return { counts: one.counts, stop };
}

const mailsTo = (person: string) => mail.to(`${person}@example.com`);
const firstPost = (about: string) => eventually(`a post about ${about}`, async () => hooks.posts[0]);

describe('FRI-2 people are told where they are', () => {
  test('by mail, over TLS, those who can decide: nobody in conflict, no governance, words of others made harmless', async () => {
    configure(EVERYBODY);
    await begin();
    const reason = 'See https://evil.example/approve @here <b>click</b> " Bcc: all@example.com';
    const request = await harness.cast.ask({ ...WRITE, reason });
    await eventuallyTrue(
      'both leads have mail',
      async () => mailsTo('mira').length + mailsTo('tomas').length === 2,
    );
    await sleep(1_000);
    expect(mail.mails.map(({ to }) => to.join()).sort()).toEqual(['mira@example.com', 'tomas@example.com']);
    const [one] = mailsTo('mira');
    expect(one).toMatchObject({ encrypted: true, user: LOGIN.user });
    expect(one?.headers).toMatch(
      /^Subject: Countersign: your decision is awaited:\s+warehouse:payments#write$/m,
    );
    expect(one?.headers).not.toMatch(/evil|^bcc/im);
    expect(one?.text).toContain(`countersign approve ${request.id} --as person/mira`);
    expect(one?.text).toContain(`https://countersign.example.com/requests/${request.id}`);
    expect(one?.text).toContain(
      `"See https[:]//evil[.]example/approve (at)here <b>click</b> ' Bcc: all(at)example[.]com"`,
    );
    expect(one?.text).toContain('goes to governance at');
  });

  test('the requester hears the outcome by a signed webhook; who has decided, and whose turn is over, hears no more', async () => {
    configure(EVERYBODY, 'digestWithin: 1s');
    const request = await harness.cast.ask(WRITE);
    await harness.cast.say('person/mira', 'approve', request);
    await harness.cast.settled(request);
    await begin();
    const post = await firstPost('the outcome');
    const { data } = JSON.parse(post.body);
    expect(data).toMatchObject({ person: 'ci/payments', items: [{ kind: 'decided', request: request.id }] });
    const id = String(post.headers['webhook-id']);
    const expected = webhookSignature(
      webhookSecret(SECRET),
      id,
      String(post.headers['webhook-timestamp']),
      post.body,
    );
    expect(post.headers['webhook-signature']).toBe(expected);
    expect(mail.mails).toEqual([]);
  });

  test('in their browser, whoever subscribed there, by a line that names nothing', async () => {
    const [service, receiver] = [await PushService.start(), new PushReceiver()];
    const subscriptions = new PushSubscriptions({ url: ledgerUrl });
    await subscriptions.add(
      'person/mira',
      { endpoint: `${service.url}/mira`, keys: receiver.keys },
      Date.now(),
    );
    writeFileSync(path.join(folder, 'push'), makePushKey());
    writeFileSync(
      file,
      `channels:
  phone: { kind: push, keyFile: push, contact: "mailto:ops@example.com", allowInternal: true }
people: {}
pace: { digestWithin: 300ms }
`,
    );
    await begin();
    const request = await harness.cast.ask({ ...WRITE, reason: 'the password is 1234' });
    const { body } = await eventually('it is pushed', async () => service.pushed[0]);
    expect(JSON.parse(receiver.decrypt(body))).toEqual({
      body: '1 request waits for you',
      page: `/requests/${request.id}`,
    });
    await sleep(1_000);
    expect(service.pushed.map(({ path: to }) => to)).toEqual(['/mira']);
    await subscriptions.close();
    await service.stop();
  });

  test('WEB-7 the requester hears who denied it, when and why', async () => {
    configure(EVERYBODY, 'digestWithin: 300ms');
    const request = await harness.cast.ask(WRITE);
    const why = { reasonCode: 'freeze', comment: 'after the freeze' };
    await harness.cast.say('person/mira', 'deny', request, why);
    await begin();
    const { data } = JSON.parse((await firstPost('the outcome')).body);
    expect(data.items[0].facts.join('\n')).toMatch(
      /^denied by person\/mira at .+ UTC, reason freeze, they wrote "after the freeze"$/m,
    );
  });

  test('a turn that is over before it is told is not told', async () => {
    configure(EVERYBODY, 'digestWithin: 3s');
    await begin();
    const request = await harness.cast.ask(WRITE);
    await eventuallyTrue('it is noticed', async () => (await untold()) === 2);
    await harness.cast.say('person/mira', 'approve', request);
    await firstPost('the outcome');
    await eventuallyTrue('nothing is left', async () => (await untold()) === 0);
    await sleep(800);
    expect(mail.mails).toEqual([]);
  });

  test('an approver who has left the group since is not told', async () => {
    configure(EVERYBODY, 'digestWithin: 2s');
    await begin();
    await harness.cast.ask(WRITE);
    await eventuallyTrue('it is noticed', async () => (await untold()) === 2);
    const restore = harness.bundle.set('directory.yaml', ['people', 'person/tomas', 'enabled'], false);
    try {
      await eventuallyTrue('mira has mail', async () => mailsTo('mira').length === 1);
      await sleep(800);
      expect(mailsTo('tomas')).toEqual([]);
    } finally {
      restore();
    }
  });
});

const untold = async () => {
  const [row] = await harness.postgres.query(
    'SELECT count(*)::int AS untold FROM countersign.notice WHERE message_id IS NULL',
  );
  return Number(row?.['untold']);
};

describe('FRI-2 few prompts: a digest in place of a flood, and each thing once', () => {
  test('ten requests come to one message, by the chat', async () => {
    configure('  person/mira: [{ channel: chat, mention: mira }]', 'digestWithin: 1s');
    for (let i = 0; i < 10; i += 1) await harness.cast.ask({ ...WRITE, reason: `@channel number ${i}` });
    await begin();
    const post = await firstPost('ten requests');
    await sleep(1_500);
    expect(hooks.posts).toHaveLength(1);
    const { text } = JSON.parse(post.body);
    expect(text.match(/countersign approve /g)).toHaveLength(10);
    expect(text.match(/@[a-z]+/g)).toEqual(['@mira']);
    expect(post.path).toBe('/chat/T0/B0/XYZ');
  });

  test('two workers tell it once', async () => {
    configure(MIRA_BY_WEBHOOK);
    await begin();
    await begin();
    for (let i = 0; i < 3; i += 1) await harness.cast.ask(WRITE);
    const told = () =>
      hooks.posts.flatMap(({ body }) =>
        JSON.parse(body).data.items.map((one: { request: string }) => one.request),
      );
    await eventuallyTrue('three requests', async () => told().length >= 3);
    await sleep(1_500);
    expect(told()).toHaveLength(3);
    expect(new Set(told()).size).toBe(3);
  });

  test('a receiver that is away for a while gets it when it is back, under the same id', async () => {
    configure(MIRA_BY_WEBHOOK);
    const store = new NoticeStore({ url: ledgerUrl });
    let aheadMs = 0;
    const running = await beginWith(store, { nowMs: () => Date.now() + aheadMs });
    hooks.status = 503;
    try {
      await harness.cast.ask(WRITE);
      await firstPost('the first try');
      await eventuallyTrue('it is put off', async () => running.counts.putOff === 1);
      await hooks.close();
    } finally {
      hooks.status = 204;
      await hooks.open();
    }
    // The first pause is ten seconds.
    aheadMs = 11_000;
    await eventuallyTrue('the second try', async () => hooks.posts.length === 2);
    await running.stop();
    await store.close();
    const ids = hooks.posts.map(({ headers }) => headers['webhook-id']);
    expect(ids[1]).toBe(ids[0]);
  });

  test('who dies between sending and noting it repeats it once, under the same id', async () => {
    configure(MIRA_BY_WEBHOOK);
    const store = new DyingStore({ url: ledgerUrl });
    const dying = await beginWith(store, { claimMs: 1_500 });
    await harness.cast.ask(WRITE);
    await firstPost('the message');
    await dying.stop();
    const healthy = new NoticeStore({ url: ledgerUrl });
    const next = await beginWith(healthy, { claimMs: 1_500 });
    await eventuallyTrue('it is repeated', async () => hooks.posts.length === 2);
    await sleep(2_000);
    await next.stop();
    await Promise.all([store.close(), healthy.close()]);
    expect(new Set(hooks.posts.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(hooks.posts).toHaveLength(2);
  });

  test('a person has so many messages an hour and no more; what is left comes as one when there is room', async () => {
    const store = new NoticeStore({ url: ledgerUrl });
    const nowMs = Date.now();
    const limits = { digestWithinMs: 0, perPersonAndHour: 2, perHour: 3, channelsOf: () => ['hooks'] };
    const tell = async (person: string, key: string, atMs: number) => {
      const subject = { digest: '', requester: '', beneficiary: '', entitlement: '' };
      await store.note([{ key, person, kind: 'awaiting', request: key, sinceMs: 0, subject }], atMs);
      return store.gather({ ...limits, nowMs: atMs });
    };
    const made = [];
    for (const key of ['a', 'b', 'c', 'd']) made.push(await tell('person/mira', key, nowMs));
    expect(made).toEqual([1, 1, 0, 0]);
    expect([await tell('person/tomas', 'e', nowMs), await tell('person/ines', 'f', nowMs)]).toEqual([1, 0]);
    expect(await store.gather({ ...limits, nowMs: nowMs + 3_600_001 })).toBe(2);
    const claims = [];
    for (;;) {
      const one = await store.claim('hooks', nowMs + 3_600_001, 1_000);
      if (one === undefined) break;
      claims.push(one);
    }
    await store.close();
    expect(
      claims.map(({ person, notices }) => `${person} ${notices.map(({ key }) => key).join('')}`).sort(),
    ).toEqual(['person/ines f', 'person/mira a', 'person/mira b', 'person/mira cd', 'person/tomas e']);
  });
});

/** A store whose worker is gone once it has sent. */
class DyingStore extends NoticeStore {
  override end(): Promise<void> {
    return Promise.reject(new Error('killed'));
  }

  override putOff(): Promise<void> {
    return Promise.reject(new Error('killed'));
  }
}

describe('TTA-5 whoever writes to the namespace tells nobody anything', () => {
  test('a request that nobody signed, or signed otherwise, or lists other people, is told to nobody they name', async () => {
    const request = await harness.cast.ask(WRITE);
    const events = await harness.cast.events(request);
    const past = new PastRequests(ledgerUrl);
    const authority = noticeAuthorityOver(await bundleSource(), harness.ledger);
    const { pace } = notifySchema.parse({ channels: {}, people: {} });
    const toldBy = async (forged: readonly DomainEvent[], id = request.id) => {
      const requests = { waiting: async () => [], events: async () => forged };
      const looker = new Looker({ requests, past, authority, nowMs: Date.now });
      return (await looker.prompts(id, pace)).notices.map(({ person }) => person).sort();
    };
    const changed = (change: (event: DomainEvent) => unknown) =>
      JSON.parse(JSON.stringify(events), (_key, value) =>
        typeof value?.type === 'string' && 'atMs' in value ? change(value) : value,
      );
    expect(await toldBy(events)).toEqual(['person/mira', 'person/tomas']);
    const reworded = changed((event) =>
      event.type === 'submitted'
        ? { ...event, submission: { ...event.submission, request: { ...request, reason: 'send money' } } }
        : event,
    );
    const listing = (...eligible: string[]) =>
      changed((event) => {
        const path = event.type === 'assessed' ? event.assessment.path : undefined;
        if (event.type !== 'assessed' || path === undefined) return event;
        const stages = path.stages.map((stage) => ({ ...stage, eligible, quorum: 1 }));
        return { ...event, assessment: { ...event.assessment, path: { ...path, stages } } };
      });
    expect(await toldBy(reworded)).toEqual([]);
    expect(await toldBy(events, 'another-request-0001')).toEqual([]);
    expect(await toldBy(listing('person/felix', 'person/helen', 'person/ines'))).toEqual([]);
    expect(await toldBy(listing('person/mira', 'person/felix'))).toEqual(['person/mira']);
    expect(await toldBy(JSON.parse('[{"type":"submitted","atMs":1},{"type":"nonsense"}]'))).toEqual([]);
    await past.close();
  });
});

describe('countersign notify', () => {
  const run = (...args: string[]) =>
    new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, [path.resolve('bin/countersign.js'), 'notify', ...args], {
        env: {
          PATH: process.env['PATH'] ?? '',
          COUNTERSIGN_NOTIFY: file,
          COUNTERSIGN_BUNDLE: harness.bundle.dir,
        },
      });
      let out = '';
      child.stdout.on('data', (chunk) => (out += chunk));
      child.stderr.on('data', (chunk) => (out += chunk));
      child.on('close', (code) => resolve({ code, out }));
    });

  test('sends a test message, or says in one line why not, and never a secret', async () => {
    configure(EVERYBODY);
    expect(await run('check')).toEqual({ code: 0, out: 'ok: 3 channels, 7 people\n' });
    expect(await run('test', '--to', 'person/mira')).toEqual({
      code: 0,
      out: expect.stringMatching(/^ok {4}mail: taken/),
    });
    expect(mailsTo('mira')[0]?.headers).toContain('a test message');
    writeFileSync(path.join(folder, 'password'), 'another');
    const wrong = await run('test', '--to', 'person/mira');
    writeFileSync(path.join(folder, 'password'), LOGIN.password);
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('FAIL  mail: the mail server refused the login\n');
    expect(wrong.out).not.toMatch(/another/);
    configure('  person/nobody: [{ channel: mail, address: x@example.com }]');
    const unknown = await run('check');
    expect(unknown.code).toBe(1);
    expect(unknown.out).toMatch(/^notify\.yaml:\d+: person\/nobody is not in the directory/m);
  }, 120_000);
});
