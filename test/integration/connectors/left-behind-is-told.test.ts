import { spawn } from 'node:child_process';
import path from 'node:path';
import { Client } from 'pg';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';

/* What operators, requesters and approvers read of a role that a holder can leave something behind with, through the product. */

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

let harness: Harness;

beforeAll(async () => {
  harness = await Harness.start();
  await harness.postgres.query('CREATE SCHEMA shop; GRANT USAGE, CREATE ON SCHEMA shop TO production_write');
}, 120_000);
afterAll(() => harness?.stop());

/** Runs beside the worker of this process. */
async function countersign(...args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME, TEMPORAL_ADDRESS: harness.server.address },
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_TICKETS: harness.ticketsFile,
    COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: harness.postgres.url,
    COUNTERSIGN_CONNECTOR_CHANGES_URL: harness.postgres.url,
  };
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { said, status };
}

const UNFIT =
  /role production_write: a lease of the role production_write would leave something behind at its end: it may create in shop/;

describe('TGT-3, FRI-8 what a holder of access can leave behind is said before it matters, and told after', () => {
  test('the check of the target and doctor name the role, and what to do', async () => {
    const checked = await countersign('connector', 'check', 'warehouse');
    expect([checked.status, checked.said]).toEqual([1, expect.stringMatching(UNFIT)]);
    expect(checked.said).toContain('accepts: "creates"');
    const doctor = await countersign('doctor');
    expect([doctor.status, doctor.said]).toEqual([
      1,
      expect.stringMatching(/a lease of the role production_write/),
    ]);
  }, 120_000);

  test('the request is refused, and its requester reads why', async () => {
    const request = await harness.cast.ask(WRITE);
    await harness.cast.say('person/mira', 'approve', request);
    const view = await harness.cast.until(request, ({ status }) => status === 'failed');
    expect(view.failure).toMatchObject({
      code: 'TARGET_REFUSED',
      detail: expect.stringMatching(/it may create in shop; take that away, or have the catalog accept it/),
    });
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  }, 60_000);

  test('once the catalog accepts it by name it is granted, and what was left behind stands in the request', async () => {
    const restore = harness.bundle.replace(
      'catalog.yaml',
      'grant: { role: production_write }',
      'grant: { role: production_write, accepts: "creates" }',
    );
    try {
      const request = await harness.cast.ask(WRITE);
      await harness.cast.say('person/mira', 'approve', request);
      await harness.cast.until(request, ({ status }) => status === 'active');
      const holder = new Client({
        connectionString: harness.postgres.url.replace('postgres@', 'payments_ci@'),
      });
      await holder.connect();
      await holder.query(
        "SET ROLE production_write; CREATE FUNCTION shop.backdoor() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
      );
      await holder.end();
      await harness.cast.say('ci/payments', 'revoke', request);
      await harness.cast.until(request, ({ status }) => status !== 'active');
      const { said } = await countersign('request', 'show', request.id);
      expect(said).toContain(
        'Since payments_ci was given production_write there is on the target: a function that runs with the rights of production_write: function shop.backdoor()',
      );
      const checked = await countersign('connector', 'check', 'warehouse');
      expect(checked.said).toMatch(/the catalog accepts that a holder can leave something behind/);
    } finally {
      restore();
    }
  }, 120_000);
});
