import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TicketDemands } from '../../../src/policy/tickets/ticket';
import { ticketSystemSchema } from '../../../src/policy/tickets/ticket-file';
import { HttpTicketSource, TicketSystemAway } from '../../../src/policy/tickets/ticket-system';
import { type StoredTicket, TicketServer, type Vendor } from '../../support/tickets/ticket-server';

const OPEN: StoredTicket = { project: 'OPS', open: true, assignee: 'nadia', reporter: 'ines' };
const NAMED: Readonly<
  Record<Vendor, { readonly ticket: string; readonly project: string; readonly by: string }>
> = {
  jira: { ticket: 'OPS-17', project: 'OPS', by: 'email' },
  github: { ticket: 'acme/infra#17', project: 'acme/infra', by: 'login' },
  servicenow: { ticket: 'INC0010017', project: 'incident', by: 'login' },
};
const VENDORS = ['jira', 'github', 'servicenow'] as const;

let dir: string;
let server: TicketServer;
let told: string[];
let nowMs: number;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'tickets-'));
  writeFileSync(path.join(dir, 'token'), 't0ken\n');
  told = [];
  nowMs = 1_000_000;
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

async function start(vendor: Vendor, about: Partial<StoredTicket> = {}, settings: object = {}) {
  server = await TicketServer.start(vendor);
  const { ticket, project } = NAMED[vendor];
  server.tickets.set(ticket, { ...OPEN, project, ...about });
  return sourceOf(vendor, settings);
}
function sourceOf(vendor: Vendor, settings: object = {}) {
  const by = NAMED[vendor].by;
  const people =
    by === 'email'
      ? { people: { 'acc-nadia': 'person/nadia', 'acc-ines': 'person/ines' } }
      : { peopleBy: by };
  const system = {
    kind: vendor,
    url: server.url,
    tokenFile: path.join(dir, 'token'),
    ...people,
    ...settings,
  };
  return new HttpTicketSource(
    ticketSystemSchema.parse(system),
    (why) => void told.push(why),
    () => nowMs,
  );
}
const NO = (why: RegExp) => ({ found: false, why: expect.stringMatching(why) });

describe.each(VENDORS)('DIR-4 tickets of %s', (vendor) => {
  const { ticket, project } = NAMED[vendor];

  test('one that exists and is open counts, with its project and its people', async () => {
    const source = await start(vendor);
    const demands: TicketDemands = {
      projects: ['other', project],
      assignee: ['person/nadia'],
      reporter: ['person/viktor', 'person/ines'],
    };
    expect(await source.check(ticket, demands)).toEqual({ found: true });
    expect(await source.problem()).toBeUndefined();
    expect(told).toEqual([]);
  });

  test('OVR-4 one that is missing, closed, of another project, or of other people does not', async () => {
    const source = await start(vendor);
    const missing = ticket.replace('17', '18');
    expect(await source.check(missing, {})).toEqual(NO(/no such ticket/));
    expect(await source.check(ticket, { projects: ['other'] })).toEqual(NO(/policy does not name \(other\)/));
    expect(await source.check(ticket, { assignee: ['person/ines'] })).toEqual(NO(/assigned to person\/ines/));
    expect(await source.check(ticket, { reporter: ['person/nadia'] })).toEqual(NO(/person\/nadia opened/));
    server.tickets.set(ticket, { ...OPEN, project, open: false });
    nowMs += 60_001;
    expect(await source.check(ticket, {})).toEqual(NO(/not open/));
    server.tickets.set(ticket, { reporter: 'ines', project, open: true });
    nowMs += 60_001;
    expect(await source.check(ticket, { assignee: ['person/nadia'] })).toEqual(NO(/assigned/));
  });

  test('OVR-4 the answer for another ticket is not the answer for this one', async () => {
    const movedTo = { jira: 'SEC-4', github: 'acme/other', servicenow: 'INC0010018' }[vendor];
    const source = await start(vendor, { movedTo });
    expect(await source.check(ticket, {})).toEqual(NO(/another ticket under that name/));
  });

  test('a reference that no ticket of it can have is never sent', async () => {
    const source = await start(vendor);
    for (const odd of [
      '../admin',
      'OPS-1/../..',
      'a/b#1?x',
      'INC1^ORactive=true',
      'acme/..#1',
      'OPS-17 ',
      '',
      'ops-17',
      '#17',
    ])
      expect(await source.check(odd, {})).toEqual(NO(/named so/));
    expect(server.asked).toEqual([]);
  });

  test('an answer is kept for a minute, a yes and a no, and no longer', async () => {
    const source = await start(vendor);
    const missing = ticket.replace('17', '18');
    for (let times = 0; times < 3; times += 1) {
      expect(await source.check(ticket, {})).toEqual({ found: true });
      await source.check(missing, {});
    }
    expect(server.asked).toHaveLength(2);
    nowMs += 59_000;
    server.tickets.delete(ticket);
    expect(await source.check(ticket, {})).toEqual({ found: true });
    nowMs += 1_001;
    expect(await source.check(ticket, {})).toEqual(NO(/no such ticket/));
    expect(server.asked).toHaveLength(3);
  });

  test('many who ask for one ticket at the same time are one call', async () => {
    const source = await start(vendor);
    await Promise.all(Array.from({ length: 50 }, () => source.check(ticket, {})));
    expect(server.asked).toHaveLength(1);
  });

  test.each([
    ['is too long', (response) => response.end(`"${'x'.repeat(300_000)}"`), /more than 262144 bytes/],
    [
      'is too long once it is decompressed',
      (response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync(' '.repeat(8_000_000)));
      },
      /more than 262144 bytes/,
    ],
    ['is no JSON', (response) => response.end('<html>'), /else than JSON/],
    [
      'is of another type',
      (response) => {
        response.setHeader('content-type', 'text/html');
        response.end('{}');
      },
      /else than JSON/,
    ],
    [
      'is JSON of another kind',
      (response) => response.end('{"key":17,"result":"yes","number":"17"}'),
      /no ticket of its kind/,
    ],
    ['is no object', (response) => response.end('true'), /no ticket of its kind/],
    ['is no UTF-8', (response) => response.end(Buffer.from([0x22, 0xff, 0x22])), /UTF-8/],
    [
      'is a redirect',
      (response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
      /redirect/,
    ],
    ['is an error', (response) => void response.writeHead(500).end('{}'), /answered 500/],
    [
      'breaks off',
      (response) => void response.write('{"key"', () => response.destroy()),
      /cannot be reached/,
    ],
  ] as const satisfies readonly (readonly [
    string,
    (response: import('node:http').ServerResponse) => unknown,
    RegExp,
  ])[])('OVR-4 an answer that %s is no yes and no lasting no', async (_, answer, why) => {
    const source = await start(vendor);
    server.misbehave = (_request, response) => {
      response.setHeader('content-type', 'application/json');
      answer(response);
      return true;
    };
    const away = source.check(ticket, {});
    await expect(away).rejects.toThrow(TicketSystemAway);
    await expect(away).rejects.toThrow(why);
    server.misbehave = () => false;
    nowMs += 5_001;
    expect(await source.check(ticket, {})).toEqual({ found: true });
    expect(server.asked.filter((at) => at.includes('elsewhere'))).toEqual([]);
  });

  test('429 with Retry-After is heeded, and told once', async () => {
    const source = await start(vendor);
    server.misbehave = (_request, response) => {
      response.writeHead(429, { 'retry-after': '30' }).end('{}');
      return true;
    };
    for (let times = 0; times < 5; times += 1)
      await expect(source.check(ticket, {})).rejects.toThrow(/answered 429/);
    nowMs += 29_000;
    await expect(source.check(ticket, {})).rejects.toThrow(/answered 429/);
    expect(server.asked).toHaveLength(1);
    expect(told).toEqual([expect.stringMatching(/answered 429/)]);
    server.misbehave = () => false;
    nowMs += 1_001;
    expect(await source.check(ticket, {})).toEqual({ found: true });
  });

  test('nothing that is told or thrown has the ticket, the address or the token in it', async () => {
    const source = await start(vendor);
    server.token = 'another';
    await expect(source.check(ticket, {})).rejects.toThrow(/refused the token in .*token \(401\)/);
    const said = [...told, await source.problem()].join('\n');
    for (const secret of ['t0ken', ticket, server.url]) expect(said).not.toContain(secret);
    expect(said).toContain(vendor);
  });
});

test('DIR-4 a system that hangs is away after three seconds, and nobody else waits for it', async () => {
  const source = await start('jira');
  server.misbehave = () => true;
  await expect(source.check('OPS-17', {})).rejects.toThrow(/did not answer within 3 seconds/);
  await expect(source.check('OPS-18', {})).rejects.toThrow(/did not answer/);
  expect(server.asked).toHaveLength(1);
}, 20_000);

test('DIR-4 Basic authentication where a user is named; a new token counts without a restart', async () => {
  const source = await start('jira', {}, { user: 'me@example.com' });
  const basic = (token: string) => `Basic ${Buffer.from(`me@example.com:${token}`).toString('base64')}`;
  server.token = basic('t0ken');
  expect(await source.check('OPS-17', {})).toEqual({ found: true });
  writeFileSync(path.join(dir, 'token'), 'newer');
  server.token = basic('newer');
  nowMs += 60_001;
  expect(await source.check('OPS-17', {})).toEqual({ found: true });
  rmSync(path.join(dir, 'token'));
  nowMs += 60_001;
  await expect(source.check('OPS-17', {})).rejects.toThrow(/holds no token/);
});

test('OVR-4 a status that nobody names as open is not; nor is a pull request a ticket; nor a resolved record', async () => {
  const jira = await start('jira', { state: 'undefined' });
  expect(await jira.check('OPS-17', {})).toEqual(NO(/not open/));
  await server.stop();
  const github = await start('github', { pull: true });
  expect(await github.check('acme/infra#17', {})).toEqual(NO(/pull request/));
  await server.stop();
  const serviceNow = await start('servicenow', { state: '6' });
  expect(await serviceNow.check('INC0010017', {})).toEqual(NO(/not open/));
});

test('DIR-4 any service that answers with JSON, by pointers into its answer', async () => {
  await start('jira');
  const pointers = {
    path: '/rest/api/2/issue/{ticket}',
    id: '/key',
    project: '/fields/project/key',
    status: '/fields/status/statusCategory/key',
    openStatus: ['indeterminate'],
    assignee: '/fields/assignee/accountId',
  };
  const people = { 'acc-nadia': 'person/nadia' };
  const system = { kind: 'http', url: server.url, tokenFile: path.join(dir, 'token'), people, ...pointers };
  const source = new HttpTicketSource(ticketSystemSchema.parse(system));
  expect(await source.check('OPS-17', { projects: ['OPS'], assignee: ['person/nadia'] })).toEqual({
    found: true,
  });
  expect(await source.check('OPS-17', { reporter: ['person/ines'] })).toEqual(NO(/opened/));
  expect(await source.check('..', {})).toEqual(NO(/named so/));
  server.tickets.set('OPS-19', { ...OPEN, open: false });
  expect(await source.check('OPS-19', {})).toEqual(NO(/not open/));
});

test('DIR-4 an address without TLS is only for this machine, and has no secret in it', async () => {
  server = await TicketServer.start('jira');
  const problemOf = (url: string) =>
    ticketSystemSchema
      .safeParse({ kind: 'jira', url, tokenFile: 'x' })
      .error?.issues.map(({ message }) => message);
  expect(problemOf('http://jira.example.com')).toEqual([expect.stringMatching(/https/)]);
  expect(problemOf('https://user:secret@jira.example.com')).toEqual([expect.stringMatching(/no user/)]);
  expect(problemOf('https://jira.example.com/jira')).toBeUndefined();
});
