import { spawn } from 'node:child_process';
import path from 'node:path';
import { Looker } from '../../../src/channels/look';
import { notifySchema } from '../../../src/channels/notify-file';
import { PastRequests } from '../../../src/channels/past';
import { noticeAuthorityOver } from '../../../src/cli/notify/beside-worker';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { requestDigest } from '../../../src/domain/digest';
import type { AccessRequest } from '../../../src/domain/request';
import { signStatement } from '../../../src/signing/sign';
import { WRITE } from '../../support/harness-asks';
import { RequestGateway } from '../gateway/support/request-gateway';
import { ANSWERED, APPROVER, CASES, type Case, LISTED, Stranger } from './made-up-cases';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
let gateway: RequestGateway;
let stranger: Stranger;
let honest: AccessRequest;

beforeAll(async () => {
  gateway = await RequestGateway.start();
  stranger = await Stranger.start(gateway);
  honest = stranger.honest;
}, 180_000);

afterAll(async () => {
  await stranger?.stop();
  await gateway?.stop();
});

const idOf = (how: Case): string => stranger.idOf(how);

const { pace: PACE } = notifySchema.parse({ channels: {}, people: {} });

/** Runs beside the workers of this process, which have to answer it. */
async function countersign(...args: readonly string[]) {
  const { harness } = gateway;
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME, TEMPORAL_ADDRESS: harness.server.address },
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_TICKETS: harness.ticketsFile,
  };
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ...said, status };
}

describe('TTA-5, AUD-5 requests that a stranger makes up are shown to nobody as true', () => {
  test('the server itself lists them all, so a list that is not derived would show them', async () => {
    const rows = await gateway.harness.client.list({ awaiting: APPROVER });
    expect(rows.length).toBeGreaterThan(LISTED);
  });

  test('the gateway lists what waits for an approver by its proof, and tells operators what it left out', async () => {
    const { json } = await gateway.as(APPROVER, '/v1/awaiting');
    expect(json.requests.map(({ id }: { id: string }) => id)).toEqual([honest.id]);
    expect(json.requests[0]).toMatchObject({ requester: 'ci/payments', entitlement: WRITE.entitlement });
    expect([json.withheld, json.complete]).toEqual([LISTED, true]);
    expect(gateway.logged.at(-1)).toMatchObject({ about: { count: LISTED } });
  }, 60_000);

  test.each(ANSWERED)('the gateway shows no digest to sign, and carries no approval: %s', async (how) => {
    const id = idOf(how);
    const shown = await gateway.as(APPROVER, `/v1/requests/${id}`);
    expect(shown.json).toMatchObject({ proof: { holds: false } });
    expect([shown.json.digest, shown.json.stage, shown.json.will_happen]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    // Signed without asking what answers under this id, which says nothing that can be read.
    const about = { request: id, digest: requestDigest({ ...honest, id }), revision: 0, stage: 'owner' };
    const key = await gateway.key(APPROVER);
    const times = { nowMs: Date.now(), lifeMs: 3_600_000 };
    const approval = await signStatement({ verb: 'approve', ...about }, APPROVER, key, times);
    const carried = await gateway.as(APPROVER, `/v1/requests/${id}/statements`, { body: approval });
    expect([carried.status, carried.json.detail]).toEqual([409, expect.stringContaining('does not hold')]);
  });

  test('the true request is shown whole, with the digest to sign', async () => {
    const { json } = await gateway.as(APPROVER, `/v1/requests/${honest.id}`);
    expect(json).toMatchObject({ proof: { holds: true, server_says: [] }, digest: requestDigest(honest) });
  });

  test('the command line lists by proof, and says what it left out', async () => {
    const { stdout, stderr } = await countersign('request', 'list', '--awaiting', APPROVER, '--json');
    const rows: readonly { id: string; basis: string }[] = JSON.parse(stdout);
    expect(rows.map(({ id, basis }) => [id, basis])).toEqual([[honest.id, 'derived']]);
    expect(stderr).toMatch(/left out, because they do not verify/);
  }, 60_000);

  test('a list by status marks each row that is only the word of the server', async () => {
    const { stdout } = await countersign('request', 'list', '--limit', '1000');
    expect(stdout).toMatch(/as the server lists them \(marked \?\), which is not proof/);
    const rowOf = (id: string) => stdout.split('\n').find((line) => line.includes(id));
    expect(rowOf(honest.id)).toMatch(/ awaiting_approval /);
    for (const how of ANSWERED.filter((one) => one !== CASES[8]))
      expect(rowOf(idOf(how))).toMatch(/ awaiting_approval\? /);
  }, 60_000);

  test.each(ANSWERED)('the command line shows it as not proved, and signs nothing: %s', async (how) => {
    const shown = await countersign('request', 'show', idOf(how));
    expect(`${shown.stdout}${shown.stderr}`).toMatch(/NOT PROVED/);
    const approving = await countersign('approve', idOf(how), '--as', APPROVER, '--revision', '0', '--yes');
    expect([approving.status, approving.stderr]).toEqual([1, expect.stringContaining('nothing was signed')]);
    expect(approving.stderr).not.toContain('signing as');
  }, 120_000);

  test('nobody is notified of them', async () => {
    const { harness } = gateway;
    const bundles = await harness.bundles(SILENT_LOGGER);
    const past = new PastRequests(harness.postgres.url);
    const requests = { waiting: async () => [], events: (id: string) => harness.client.events(id) };
    const authority = noticeAuthorityOver(bundles, harness.workerLedger);
    const looker = new Looker({ requests, past, authority, nowMs: Date.now });
    const prompted = async (id: string) =>
      (await looker.prompts(id, PACE).catch(() => undefined))?.notices ?? [];
    expect((await prompted(honest.id)).map(({ person }) => person)).toContain(APPROVER);
    for (const how of ANSWERED) expect(await prompted(idOf(how))).toEqual([]);
    await past.close();
  });
});
