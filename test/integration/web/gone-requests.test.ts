import { execFile } from 'node:child_process';
import path from 'node:path';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { byKey, Requester } from '../../../src/enforcement';
import { describeStanding } from '../../../src/mcp/answers';
import { READ } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { PageVisitor } from '../../support/page-visitor';
import { PageStack } from '../../support/pages';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const HOUR = 3_600_000;

let stack: PageStack;
let target: PostgresqlConnector;
let governor: PageVisitor;
beforeAll(async () => {
  stack = await PageStack.start(['person/nadia', 'person/jonas']);
  target = new PostgresqlConnector({ url: stack.harness.postgres.url });
  governor = await PageVisitor.signIn(stack, 'person/nadia');
}, 120_000);
afterAll(async () => {
  await target?.close();
  await stack?.stop();
});

/** The gateway's own name, for which callers make their tokens. */
const gatewayUrl = () => stack.origin.replace('localhost', '127.0.0.1');

/** Runs `request show` behind the gateway, without Temporal and without any address of ledger or target. */
function show(id: string, as: string) {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, COUNTERSIGN_STATE_DIR: stack.harness.stateDir };
  const args = ['request', 'show', id, '--gateway', gatewayUrl(), '--as', as];
  return new Promise<{ code: number; out: string; err: string }>((resolve) =>
    execFile(process.execPath, [COMMAND, ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  );
}

const granted = async (): Promise<AccessRequest> => {
  const request = await stack.harness.cast.ask({ ...READ, durationMs: HOUR });
  await stack.harness.cast.until(request, ({ status }) => status === 'active');
  return request;
};

/** Ends the access as a reconciler does, which tells the ledger. */
async function ended({ id }: AccessRequest): Promise<string> {
  await target.revoke(id, 'expired', 'overdue');
  const atMs = Date.now();
  await stack.harness.ledger.over(id, atMs);
  return new Date(atMs).toISOString();
}

const handleOf = ({ id }: AccessRequest) => stack.harness.temporal.workflow.getHandle(workflowIdOf(id));
async function deleted(request: AccessRequest): Promise<void> {
  await stack.harness.temporal.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(request.id) },
  });
  await eventuallyTrue('it is deleted', () =>
    handleOf(request)
      .describe()
      .then(
        () => false,
        () => true,
      ),
  );
}

describe('WEB-5, TTA-5 a gateway says that a workflow is gone, and when its access ended', () => {
  test('of one that runs it says nothing', async () => {
    const request = await granted();
    const { code, out } = await show(request.id, 'agent/atlas');
    expect([code, out]).toEqual([0, expect.stringContaining(' active')]);
    expect(out).not.toContain('THE WORKFLOW IS GONE');
    expect((await governor.get(`/requests/${request.id}`)).text).not.toContain('The workflow is gone');
    await ended(request);
  }, 60_000);

  test('terminated: the command, the page and an agent say until when access goes on, then when it ended', async () => {
    const request = await granted();
    await handleOf(request).terminate('an attack');
    const before = await show(request.id, 'agent/atlas');
    expect([before.code, before.out]).toEqual([
      0,
      expect.stringMatching(
        /THE WORKFLOW IS GONE: somebody terminated it; the ledger has a grant on warehouse that ends at \d{4}-/,
      ),
    ]);
    const at = await ended(request);
    const says = `somebody terminated it; access ended at ${at}, says the ledger`;
    expect((await show(request.id, 'agent/atlas')).out).toContain(`THE WORKFLOW IS GONE: ${says}`);
    const page = await governor.get(`/requests/${request.id}`);
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('The workflow is gone')]);
    expect(page.text).toContain(says);
    const credential = byKey('agent/atlas', await stack.harness.cast.key('agent/atlas'), gatewayUrl());
    const agent = await Requester.at({ gateway: gatewayUrl(), credential });
    expect(describeStanding(await agent.look(request.id))).toMatchObject({
      workflow_gone: says,
      next: expect.stringContaining('nothing more comes of it'),
    });
  }, 120_000);

  test('deleted: its own people and governors are told by the ledger alone; for anyone else there is none', async () => {
    const request = await granted();
    await deleted(request);
    const at = await ended(request);
    const says = new RegExp(`somebody deleted it, or the server has forgotten it; access ended at ${at}`);
    const shown = await show(request.id, 'agent/atlas');
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(says)]);
    const page = await governor.get(`/requests/${request.id}`);
    expect([page.status, page.text]).toEqual([410, expect.stringMatching(says)]);
    const stranger = await PageVisitor.signIn(stack, 'person/jonas');
    expect((await stranger.get(`/requests/${request.id}`)).status).toBe(404);
    const other = await show(request.id, 'person/jonas');
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('no such request for you')]);
  }, 120_000);

  test('replaced by another request of the same id: who had the access is told so', async () => {
    const request = await granted();
    await deleted(request);
    const { cast, client } = stack.harness;
    const other = { ...cast.compose(READ), id: request.id, reason: 'something else' };
    await client.submit(await cast.submission(other));
    await cast.until(request, ({ status }) => status === 'failed');
    expect((await show(request.id, 'agent/atlas')).out).toMatch(
      /THE WORKFLOW IS GONE: another request has its id now, and what is shown is that one; (access ended|the ledger has a grant)/,
    );
  }, 120_000);

  test('what never was is not found, as before', async () => {
    const { code, err } = await show('00000000-0000-4000-8000-000000000000', 'agent/atlas');
    expect([code, err]).toEqual([1, expect.stringContaining('no such request for you')]);
  }, 60_000);
});
