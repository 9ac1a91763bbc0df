import { createContext } from '../../src/cli/context';
import { submit } from '../../src/cli/request-submit';
import { sendStatement } from '../../src/cli/send-statement';
import { entitlementName } from '../../src/domain/request';
import { Harness } from '../support/harness';
import { ADMIN, WRITE } from '../support/harness-asks';

/* An approver who would say yes to less says so with the denial, and the requester takes it with one command. */

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
  process.env['TEMPORAL_ADDRESS'] = harness.server.address;
}, 120_000);
afterAll(() => harness?.stop());

const MIRA = 'person/mira';
const WRITE_NAME = 'warehouse:payments#write';

async function context(more: Readonly<Record<string, string>> = {}) {
  const said: string[] = [];
  const env = {
    TEMPORAL_ADDRESS: harness.server.address,
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_TICKETS: harness.ticketsFile,
    ...more,
  };
  return { said, ...(await createContext(env)), announce: (line: string) => void said.push(line) };
}

const deny = async (id: string, offer: string) =>
  sendStatement('deny', id, { as: MIRA, comment: 'less will do', offer }, await context());

describe('FRI-2, WEB-7 a lesser entitlement is offered with a denial', () => {
  test('it stands wherever the denial is shown, and the requester takes it with one command', async () => {
    const asked = await harness.cast.ask({ ...ADMIN, durationMs: 900_000 });
    expect(await deny(asked.id, WRITE_NAME)).toMatchObject({ exitCode: 0 });
    const view = await harness.cast.over(asked);
    expect(view).toMatchObject({ status: 'denied', decisions: [{ by: MIRA, offer: WRITE_NAME }] });

    const own = await context();
    const taken = await submit(undefined, { offered: asked.id, timeout: '1m' }, own);
    expect(own.said.join('\n')).toContain(
      `asking for ${WRITE_NAME}, 15m, as ${MIRA} offered: ${asked.reason}`,
    );
    const id = String((taken.data as { id?: unknown }).id);
    const now = await harness.cast.settled({ id });
    const { request } = now.submission ?? {};
    expect(now.status).toBe('awaiting_approval');
    expect([request && entitlementName(request.entitlement), request?.durationMs, request?.reason]).toEqual([
      WRITE_NAME,
      asked.durationMs,
      asked.reason,
    ]);
    expect([request?.requester, request?.beneficiary, request?.ticket]).toEqual([
      asked.requester,
      asked.beneficiary,
      asked.ticket,
    ]);
  });

  test('an offer gives nothing by itself: what is asked for after it waits for its approvers like anything else', async () => {
    const asked = await harness.cast.ask({ ...ADMIN, requester: 'bot/deployer' });
    await deny(asked.id, WRITE_NAME);
    await harness.cast.over(asked);
    expect(await harness.holds('deploy_bot', 'production_write')).toBe(false);
    const taken = await submit(undefined, { offered: asked.id, timeout: '1m' }, await context());
    const id = String((taken.data as { id?: unknown }).id);
    expect((await harness.cast.settled({ id })).status).toBe('awaiting_approval');
    expect(await harness.holds('deploy_bot', 'production_write')).toBe(false);
  });

  test.each([
    [
      'what policy would not let the requester have',
      'warehouse:reporting#read',
      /policy would not let bot\/deployer have/,
    ],
    ['what is not in the catalog', 'warehouse:nowhere#read', /nothing was signed/],
    ['what was asked for', WRITE_NAME, /that is what was asked for/],
    ['a text that names nothing', 'read', /connector:resource#action/],
  ])('%s cannot be offered: nothing is signed, and the request waits on', async (_what, offer, message) => {
    const asked = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer' });
    await expect(deny(asked.id, offer)).rejects.toThrow(message);
    const { status, decisions } = await harness.cast.view(asked);
    expect([status, decisions]).toEqual(['awaiting_approval', []]);
    await harness.cast.say('bot/deployer', 'withdraw', asked);
  });

  test('where nothing was offered, nothing is asked for, and the message says so', async () => {
    const asked = await harness.cast.ask({ ...WRITE, requester: 'person/jonas' });
    await expect(submit(undefined, { offered: asked.id, timeout: '1m' }, await context())).rejects.toThrow(
      /nothing was offered instead of/,
    );
    await expect(
      submit(undefined, { offered: asked.id, entitlement: WRITE_NAME, timeout: '1m' }, await context()),
    ).rejects.toThrow(/leave the file and --entitlement out/);
  });
});
