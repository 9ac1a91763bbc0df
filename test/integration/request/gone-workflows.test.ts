import { execFile } from 'node:child_process';
import path from 'node:path';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { Harness } from '../../support/harness';
import { READ } from '../../support/harness-asks';
import { eventually } from '../../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const HOUR = 3_600_000;

let harness: Harness;
let target: PostgresqlConnector;
beforeAll(async () => {
  harness = await Harness.start({ remembers: 'grants' });
  target = new PostgresqlConnector({ url: harness.postgres.url });
}, 120_000);
afterAll(async () => {
  await target?.close();
  await harness?.stop();
});

function countersign(...args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME, TEMPORAL_ADDRESS: harness.server.address },
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_LEDGER_URL: harness.postgres.url,
    COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: harness.postgres.url,
    COUNTERSIGN_CONNECTOR_CHANGES_URL: harness.postgres.url,
  };
  return new Promise<{ code: number; out: string; err: string }>((resolve) =>
    execFile(process.execPath, [COMMAND, ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  );
}

const handleOf = ({ id }: AccessRequest) => harness.temporal.workflow.getHandle(workflowIdOf(id));
const granted = async (): Promise<AccessRequest> => {
  const request = await harness.cast.ask({ ...READ, durationMs: HOUR });
  await harness.cast.until(request, ({ status }) => status === 'active');
  return request;
};

async function deleted(request: AccessRequest): Promise<void> {
  await harness.temporal.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(request.id) },
  });
  await eventually('it is deleted', async () => {
    const there = await handleOf(request)
      .describe()
      .then(() => true)
      .catch(() => false);
    return there ? undefined : true;
  });
}

describe('WEB-5, TTA-5 what became of access whose workflow is gone is asked of the target and the ledger', () => {
  test('while a workflow runs, nothing is said of it', async () => {
    const request = await granted();
    const { code, out } = await countersign('request', 'show', request.id);
    expect([code, out]).toEqual([0, expect.not.stringContaining('THE WORKFLOW IS GONE')]);
    await target.revoke(request.id, 'revoked');
  }, 60_000);

  test('terminated: first that access goes on and until when, then when it ended; the list says so too', async () => {
    const request = await granted();
    await handleOf(request).terminate('an attack');
    const before = await countersign('request', 'show', request.id);
    expect(before.out).toMatch(
      /THE WORKFLOW IS GONE: somebody terminated it; atlas_agent has access on warehouse until \d{4}-/,
    );
    await target.revoke(request.id, 'expired', 'overdue');
    const after = await countersign('request', 'show', request.id);
    expect(after.out).toMatch(/terminated it; access of atlas_agent on warehouse ended at \d{4}-/);
    const json = await countersign('request', 'show', request.id, '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      gone: { workflow: 'terminated', lease: { present: false } },
    });
    const listed = await eventually('it is listed as gone', async () => {
      const { out } = await countersign('request', 'list');
      const line = out.split('\n').find((one) => one.startsWith(request.id));
      return line?.includes('gone (terminated)') ? out : undefined;
    });
    expect(listed).toMatch(/gone: the workflow was ended from outside/);
  }, 120_000);

  test('deleted: it is found by ledger and target alone', async () => {
    const request = await granted();
    await deleted(request);
    const { code, out } = await countersign('request', 'show', request.id);
    expect(code).toBe(0);
    expect(out).toMatch(
      /somebody deleted it, or the server has forgotten it; atlas_agent has access on warehouse/,
    );
    await target.revoke(request.id, 'revoked');
  }, 60_000);

  test('replaced by another request of the same id, whose act ends the access: both are told apart', async () => {
    const request = await granted();
    await deleted(request);
    const other = { ...harness.cast.compose(READ), id: request.id, reason: 'something else' };
    await harness.client.submit(await harness.cast.submission(other));
    await harness.cast.until(request, ({ status }) => status === 'failed');
    const { out } = await countersign('request', 'show', request.id);
    expect(out).toMatch(
      /another request has its id now, and what is shown is that one; access of atlas_agent on warehouse ended at/,
    );
  }, 120_000);

  test('what never was is not found, as before', async () => {
    const { code, err } = await countersign('request', 'show', '00000000-0000-4000-8000-000000000000');
    expect([code, err]).toEqual([1, expect.stringContaining('there is no')]);
  }, 60_000);
});
