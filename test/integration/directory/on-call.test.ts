import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readOnCall } from '../../../src/directory/sources/on-call';
import { sourcesSchema } from '../../../src/directory/sources/sources-file';

const FIXTURES = path.resolve(__dirname, '../../fixtures/on-call');
const PEOPLE = ['person/jonas', 'person/ravi', 'person/ines'];
const isKnown = (id: string) => PEOPLE.includes(id);

let dir: string;
let server: Server;
let answer: (response: ServerResponse) => void = () => undefined;
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'on-call-'));
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  writeFileSync(path.join(dir, 'address'), `http://127.0.0.1:${port}/private/s3cret/feed\n`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

function rulesOf(about: object) {
  const calendar = { group: 'on-call', most: 2, peopleBy: 'email', ...about };
  const [rules] = Object.values(
    sourcesSchema.parse({ readers: ['service/x'], sources: {}, calendars: { pager: calendar } }).calendars,
  );
  if (rules === undefined) throw new Error('no calendar');
  return rules;
}
const at = (about: object, time: string) => readOnCall(rulesOf(about), Date.parse(time), isKnown);
const own = (lines: string, about: object = {}) => {
  const file = path.join(dir, 'own.ics');
  writeFileSync(
    file,
    `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${lines.trim().replaceAll('\n', '\r\n')}\r\nEND:VCALENDAR\r\n`,
  );
  return { file, people: { 'jonas@x': 'person/jonas' }, ...about };
};
const event = (lines: string) => `BEGIN:VEVENT\nUID:a\nATTENDEE:mailto:jonas@x\n${lines}\nEND:VEVENT`;

describe('DIR-4 who is on call comes from a calendar', () => {
  const pagerDuty = {
    file: path.join(FIXTURES, 'pagerduty.ics'),
    people: { 'jonas@example.com': 'person/jonas', 'ravi@example.com': 'person/ravi' },
  };

  test('of PagerDuty: hand-over to the second, and a gap that is told', async () => {
    expect(await at(pagerDuty, '2026-11-03T08:59:59Z')).toMatchObject({ people: ['person/jonas'] });
    expect(await at(pagerDuty, '2026-11-03T09:00:00Z')).toMatchObject({ people: ['person/ravi'] });
    expect(await at(pagerDuty, '2026-11-04T10:00:00Z')).toEqual({
      people: [],
      remarks: [
        'nobody is on call from 2026-11-04T10:00Z to 2026-11-04T12:00Z',
        'nobody is on call from 2026-11-05T09:00Z on',
      ],
    });
  });

  test('of Grafana OnCall: a rule in a zone across the change of clocks, an exception, a cancelled one, an excluded one', async () => {
    const grafana = {
      file: path.join(FIXTURES, 'grafana-oncall.ics'),
      who: 'summary',
      people: { '@Jonas': 'person/jonas', '@Ravi': 'person/ravi' },
    };
    const people = async (time: string) => (await at(grafana, time)).people;
    expect(await people('2026-10-24T10:59:59Z')).toEqual([]);
    expect(await people('2026-10-24T11:00:00Z')).toEqual(['person/jonas']);
    expect(await people('2026-10-25T11:30:00Z')).toEqual([]);
    expect(await people('2026-10-25T12:00:00Z')).toEqual(['person/jonas']);
    expect(await people('2026-10-26T13:00:00Z')).toEqual([]);
    expect(await people('2026-10-27T12:30:00Z')).toEqual([]);
    expect(await people('2026-10-27T14:00:00Z')).toEqual(['person/ravi']);
    expect(await people('2026-10-28T13:00:00Z')).toEqual([]);
    expect(await people('2026-10-29T13:00:00Z')).toEqual(['person/jonas']);
  });

  test('a time without a zone counts by the zone that is set, and not at all without one', async () => {
    const lines = event('DTSTART:20261101T090000\nDTEND:20261101T100000');
    const zone = 'America/New_York';
    expect((await at(own(lines, { zone }), '2026-11-01T14:30:00Z')).people).toEqual(['person/jonas']);
    const none = await at(own(lines), '2026-11-01T09:30:00Z');
    expect(none).toMatchObject({
      people: [],
      remarks: [expect.stringMatching(/without a zone/), expect.anything()],
    });
  });

  test('a calendar that calls another zone by the name of a known one moves nobody', async () => {
    const lie =
      'BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0900\nTZOFFSETTO:-0900\nEND:STANDARD\nEND:VTIMEZONE\n';
    const lines = event(
      'DTSTART;TZID=Europe/Berlin:20261101T090000\nDTEND;TZID=Europe/Berlin:20261101T100000',
    );
    expect((await at(own(lie + lines), '2026-11-01T08:30:00Z')).people).toEqual(['person/jonas']);
  });
});

describe('DIR-4, DIR-3 what a hostile calendar may do', () => {
  const HOUR = 'DTSTART:20200101T000000Z\nDTEND:20200101T010000Z';

  test('a rule that never comes to an end takes a limited time, and is told', async () => {
    await expect(at(own(event(`${HOUR}\nRRULE:FREQ=SECONDLY`)), '2026-11-01T00:00:00Z')).rejects.toThrow(
      /recur more than 100000 times/,
    );
    await expect(
      at(own(event(`${HOUR}\nRRULE:FREQ=WEEKLY;INTERVAL=999999999`)), '2026-11-01T00:00:00Z'),
    ).rejects.toThrow(/never come to an end/);
  }, 60_000);

  test('more events, bytes or people than it may have are refused as a whole', async () => {
    const many = Array.from({ length: 5_001 }, () => event(HOUR)).join('\n');
    await expect(at(own(many), '2026-11-01T00:00:00Z')).rejects.toThrow(/more than 5000 events/);
    await expect(at(own('X-A:'.padEnd(5_000_000, 'x')), '2026-11-01T00:00:00Z')).rejects.toThrow(
      /more than 4194304 bytes/,
    );
    const three = ['jonas', 'ravi', 'ines'].map((one) => `ATTENDEE:${one}@x`).join('\n');
    const people = { 'jonas@x': 'person/jonas', 'ravi@x': 'person/ravi', 'ines@x': 'person/ines' };
    await expect(at(own(event(`${three}\n${HOUR}`), { people }), '2020-01-01T00:30:00Z')).rejects.toThrow(
      /3 people on call, over its limit of 2/,
    );
    await expect(at(own('BEGIN:VEVENT'), '2026-11-01T00:00:00Z')).rejects.toThrow(/no iCalendar/);
  }, 60_000);

  test('somebody unknown, and one whose address only looks like a known one, are told and not on call', async () => {
    const attendees = 'ATTENDEE:mallory@x\nATTENDEE:jon\u0430s@x';
    const lines = `BEGIN:VEVENT\nUID:b\n${attendees}\n${HOUR}\nEND:VEVENT`;
    const { people, remarks } = await at(own(lines), '2020-01-01T00:30:00Z');
    expect(people).toEqual([]);
    expect(remarks).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/"mallory@x" is on call there/),
        expect.stringMatching(/"jon\\u0430s@x"/),
      ]),
    );
  });

  test.each([
    ['an error', (response: ServerResponse) => void response.writeHead(500).end(), /answered 500/],
    [
      'a redirect',
      (response: ServerResponse) => void response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
      /redirect/,
    ],
    [
      'too much',
      (response: ServerResponse) => void response.end('x'.repeat(5_000_000)),
      /more than 4194304 bytes/,
    ],
    ['nothing', () => undefined, /did not answer within 10 seconds/],
  ])(
    'a calendar that answers with %s is away, and its address is told to nobody',
    async (_, how, why) => {
      answer = how;
      const away = at({ urlFile: path.join(dir, 'address') }, '2026-11-01T00:00:00Z');
      await expect(away).rejects.toThrow(why);
      await expect(away).rejects.not.toThrow(/s3cret|127\.0\.0\.1/);
    },
    30_000,
  );
});
