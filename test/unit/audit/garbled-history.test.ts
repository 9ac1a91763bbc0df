import { readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { historyFromPlain, historyToPlain } from '../../../src/audit/evidence/history';
import { type EvidenceFile, historySchema } from '../../../src/audit/evidence/schema';
import { ReplayProcess } from '../../../src/audit/replay-process';
import { misplacedEvent } from '../../../src/audit/verify/history-shape';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { workflowIdOf } from '../../../src/contracts/names';
import { Random } from '../../faults/random';
import { readHistory } from '../../replay/history-file';
import { findingsIn, keptEvidence } from '../../support/audit';
import { changesOf } from '../../support/audit-tamper';

type Events = EvidenceFile['runs'][number]['history']['events'];

const QUIET_MS = 5_000;
const replayer = new ReplayProcess({ silentMs: QUIET_MS });
afterAll(() => replayer.close());
const lives = keptEvidence();
const life = (name: string): EvidenceFile => {
  const found = lives.find((one) => one.name === name)?.evidence;
  if (found === undefined) throw new Error(`there is no evidence of ${name}`);
  return found;
};
const eventsOf = (evidence: EvidenceFile): Events => evidence.runs[0]?.history.events ?? [];

function withEvents(evidence: EvidenceFile, events: Events): EvidenceFile {
  const [run] = evidence.runs;
  if (run === undefined) throw new Error('there is no run');
  return { ...evidence, runs: [{ ...run, history: { events } }] };
}

/** What the check of the history finds, which is one line each, and never a standstill. */
async function found(evidence: EvidenceFile): Promise<readonly string[]> {
  const lines = findingsIn(await verifyEvidence(evidence, { replayer })).filter((line) =>
    line.startsWith('history '),
  );
  for (const line of lines) expect(line).not.toMatch(/\n|standstill|brings down/);
  return lines;
}

describe('AUD-1 histories as servers write them are taken as such', () => {
  const HISTORIES = path.join(__dirname, '../../replay/histories');
  test.each(readdirSync(HISTORIES))('%s', (file) => {
    const { events } = historyToPlain(readHistory(path.join(HISTORIES, file)));
    expect(misplacedEvent(events)).toBeUndefined();
  });
});

describe('AUD-3 a history that no server has written is one clear finding', () => {
  const whole = life('single-approver');
  const events = eventsOf(whole);

  test('cut off, at each of its events', async () => {
    for (let length = 1; length < events.length; length += 1)
      expect(await found(withEvents(whole, events.slice(0, length)))).not.toEqual([]);
  });

  test('without its beginning, at each of its events', async () => {
    for (let from = 1; from < events.length; from += 1)
      expect(await found(withEvents(whole, events.slice(from)))).not.toEqual([]);
  });

  const renumbered = (list: Events): Events =>
    list.map((event, index) => ({ ...event, eventId: String(index + 1) }));
  test.each([
    ['backwards', [...events].reverse()],
    ['backwards, numbered anew', renumbered([...events].reverse())],
    ['twice', renumbered([...events, ...events])],
    ['of another request', eventsOf(life('two-stages'))],
    ['with another at its end', renumbered([...events.slice(0, -3), ...eventsOf(life('emergency'))])],
    [
      'without what its events say',
      events.map(({ eventId = '', eventType = '' }) => ({ eventId, eventType })),
    ],
    ['of events that are none', events.map(() => ({ hello: 'world' }))],
  ])('%s', async (_, garbled) => {
    expect(await found(withEvents(whole, garbled))).not.toEqual([]);
  });

  test('of another kind of workflow', async () => {
    const [first, ...rest] = events;
    const attributes = { ...started(first), workflowType: { name: 'billing' } };
    const begin = { ...first, workflowExecutionStartedEventAttributes: attributes };
    const { events: foreign } = historySchema.parse({ events: [begin, ...rest] });
    expect(await found(withEvents(whole, foreign))).toEqual([
      'history runs[0].history: the history is of another workflow',
    ]);
  });

  test('garbled in several places at once', async () => {
    const random = new Random(7, 'garbled');
    const telling = /EventAttributes|event(Id|Type)/;
    let noticed = 0;
    for (let tries = 0; tries < 60; tries += 1) {
      let garbled = events;
      for (let times = 0; times < 3; times += 1) {
        const changes = [...changesOf(JSON.parse(JSON.stringify(garbled)))];
        const { value } = random.pick(changes.filter(({ path: where }) => telling.test(where)));
        const read = historySchema.safeParse({ events: value });
        if (read.success) garbled = read.data.events;
      }
      if ((await found(withEvents(whole, garbled))).length > 0) noticed += 1;
    }
    // What is left is what server and worker note for themselves.
    expect(noticed).toBeGreaterThan(40);
  }, 120_000);
});

const started = (event: Events[number] | undefined): Readonly<Record<string, unknown>> =>
  z.record(z.string(), z.unknown()).parse(event?.['workflowExecutionStartedEventAttributes']);

describe('what brings the replay to a standstill is ended, and the next history is replayed', () => {
  test('a history without a task queue', async () => {
    const evidence = life('hard-stop');
    const [first, ...rest] = eventsOf(evidence);
    const { taskQueue: _none, ...attributes } = started(first);
    const begin = { ...first, workflowExecutionStartedEventAttributes: attributes };
    const { events: stuck } = historySchema.parse({ events: [begin, ...rest] });
    const id = workflowIdOf(evidence.request);
    expect(misplacedEvent(stuck)).toEqual({ index: 0, message: 'no server writes such an event' });
    expect(await replayer.replay(historyFromPlain({ events: stuck }), id)).toEqual({
      ok: false,
      message: 'the history makes the replay hang',
    });
    const healthy = await replayer.replay(historyFromPlain({ events: eventsOf(evidence) }), id);
    expect(healthy).toMatchObject({ ok: true });
  }, 60_000);
});
