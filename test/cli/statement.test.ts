import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { Harness } from '../support/harness';
import { READ, reroutedToDavid, WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ remembers: true });
}, 120_000);
afterAll(() => harness?.stop());
afterEach(async () => {
  if (isStopped) await startWorker();
});

let isStopped = false;
async function stopWorker(): Promise<void> {
  await harness.stopWorker();
  isStopped = true;
}
async function startWorker(): Promise<void> {
  await harness.startWorker();
  isStopped = false;
}

interface Command {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

function countersign(...args: readonly string[]): Command {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME, TEMPORAL_ADDRESS: harness.server.address },
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_LEDGER_URL: harness.postgres.url,
  };
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { child, said, exit: new Promise((resolve) => child.once('close', resolve)) };
}

describe('OVR-5, TTA-3 nobody signs for a path that they have not seen', () => {
  test('while no worker answers an approval waits for one, and then is for the path as it is', async () => {
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/nadia', 'reroute', request, reroutedToDavid())).toBe('accepted');
    await stopWorker();
    const approving = countersign('approve', request.id, '--as', 'person/david', '--yes');
    await eventuallyTrue(
      'it waits',
      async () => approving.said.err.includes('waiting to see the path'),
      90_000,
    );
    expect(approving.said.err).not.toContain('signing as');
    await startWorker();
    expect(await approving.exit).toBe(0);
    expect(approving.said.out).toContain('approve accepted');
  }, 180_000);

  test('without one it signs nothing and says why; what ends a request needs no path', async () => {
    const request = await harness.cast.ask(WRITE);
    await stopWorker();
    const denying = countersign('deny', request.id, '--as', 'person/mira', '--reason-code', 'no');
    const withdrawing = countersign('withdraw', request.id, '--as', 'ci/payments');
    expect(await denying.exit).toBe(1);
    expect(denying.said.err).toContain('not signed: no worker answers');
    expect(denying.said.err).not.toContain('signing as');
    expect(await withdrawing.exit).toBe(0);
    await startWorker();
    expect((await harness.cast.over(request)).status).toBe('withdrawn');
    // It would be there, refused, had it been left with the server.
    const events = await harness.cast.events(request);
    expect(events.filter((event) => 'verb' in event && event.verb === 'deny')).toEqual([]);
  }, 180_000);
});

describe('FRI-7 who leaves, and what ends because of it, is listed before it happens', () => {
  test('the end date of an owner, set while grants that rest on them are alive', async () => {
    const request = await harness.cast.ask({ ...READ, durationMs: 3_600_000 });
    expect(await harness.holds('atlas_agent', 'reporting_read')).toBe(true);
    const nobody = countersign('friction', 'leaving', '--within', '1d');
    expect([await nobody.exit, nobody.said.out]).toEqual([0, expect.not.stringContaining(request.id)]);
    const inHalfAnHour = new Date(Date.now() + 1_800_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const restore = harness.bundle.set('directory.yaml', ['people', 'person/lena', 'endDate'], inHalfAnHour);
    try {
      const leaving = countersign('friction', 'leaving', '--within', '1d', '--json');
      expect([await leaving.exit, leaving.said.err]).toEqual([0, '']);
      expect(JSON.parse(leaving.said.out)).toMatchObject({
        grantsKnown: true,
        leaving: [
          {
            id: 'person/lena',
            over: false,
            grants: [{ request: request.id }],
            answersFor: ['agent/atlas', 'person/kim'],
          },
        ],
      });
    } finally {
      restore();
    }
  }, 60_000);
});
