import type { EnforcementPoint, Evaluation, MigrationExecutor } from '../../../src/enforcement';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
import { migrationCases } from './cases/migration';
import {
  actionOf,
  additions,
  approvedLie,
  change,
  codeOf,
  migrationExecutor,
  PIPELINE,
  propose,
} from './support/proposal';
import { UpStack } from './support/up-stack';

jest.setTimeout(120_000);

let stack: UpStack;
let pipeline: EnforcementPoint;
let runner: EnforcementPoint;
let migrator: EnforcementPoint;
let executor: MigrationExecutor;

beforeAll(async () => {
  stack = await UpStack.start();
  pipeline = await stack.enforcementPoint('payments-pipeline');
  runner = await stack.enforcementPoint('runner');
  migrator = await stack.enforcementPoint('migrator');
  executor = await migrationExecutor(stack, migrator);
});
afterAll(async () => {
  await executor?.close();
  await stack?.stop();
});

migrationCases(() => ({ stack, pipeline, migrator, executor }));

/** Carries an approved change out with a tool of its own, and says how it ended. */
async function carryOut(evaluation: Evaluation, approvers: readonly string[], tool: () => void) {
  const { task } = await propose(pipeline, evaluation);
  for (const approver of approvers)
    expect((await stack.sign(approver, task.task.id, 'approve')).json).toMatchObject({ accepted: true });
  const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
  const issued = await pipeline.executionToken(approved);
  expect(issued.audience).toBe('service/runner');
  const redeemed = await runner.redeem(await pipeline.presentation(issued.token), actionOf(evaluation));
  expect(redeemed).toMatchObject({ request: task.task.id, parameters: actionOf(evaluation) });
  tool();
  await runner.reportOutcome(task.task.id, 'succeeded');
  const again = await codeOf(runner.redeem(await pipeline.presentation(issued.token), actionOf(evaluation)));
  expect(again).toBe('REPLAYED');
  const seen = await stack.as(approvers[0] ?? '', `/v1/requests/${task.task.id}`);
  expect(seen.json.execution).toMatchObject({
    redeemedBy: 'service/runner',
    outcome: 'succeeded',
    refusedRedemptions: 1,
  });
}

describe('AGE-6, AGE-2, AGE-5 the other stories', () => {
  it('a new cloud permission set, by two stages', async () => {
    const granted = new Set<string>();
    const given = { set: 'payments-readers', permissions: ['storage.objects.get'] };
    const evaluation = change('cloud-permissions', 'apply', 'cloud-iam', given, 'OPS-1');
    await carryOut(evaluation, ['person/david', 'person/mira'], () => granted.add('payments-readers'));
    expect([...granted]).toEqual(['payments-readers']);
  });

  it('a secrets rotation, whose token is released on sign-off', async () => {
    let version = 1;
    const evaluation = change('payments-secrets', 'rotate', 'vault-rotate', {
      path: 'payments/stripe',
      version: 1,
    });
    await carryOut(evaluation, ['person/tomas'], () => {
      version += 1;
    });
    expect(version).toBe(2);
  });

  it('a change of the firewall, by two stages', async () => {
    const rules: string[] = [];
    const given = { rule: 'allow 443 from 203.0.113.7' };
    const evaluation = change('edge-network', 'apply', 'firewall', given, 'OPS-1');
    await carryOut(evaluation, ['person/aiko', 'person/tomas'], () => rules.push(given.rule));
    expect(rules).toEqual([given.rule]);
  });

  it('a destructive remediation', async () => {
    const nodes = new Set(['node-1', 'node-2']);
    const evaluation = change('compute-fleet', 'destroy', 'fleet', { node: 'node-2', replace: true });
    await carryOut(evaluation, ['person/mira'], () => nodes.delete('node-2'));
    expect([...nodes]).toEqual(['node-1']);
  });

  it('AGE-4 what is of no risk needs nobody: from question to token without a person', async () => {
    const evaluation = change('compute-fleet', 'inspect', 'fleet', { node: 'node-1' });
    const denial = await pipeline.evaluate(evaluation);
    expect(denial).toMatchObject({ decision: false, context: { reason: 'token_required' } });
    const requestedAccess = { requested_until: new Date(Date.now() + 10 * 60_000).toISOString() };
    const asked = await pipeline.request(evaluation, denial, { ...additions, requestedAccess });
    // A slow machine may take longer than an answer waits; nobody signs meanwhile.
    const task = await pipeline.wait(asked, { timeoutMs: 45_000 });
    expect(task.task.status).toBe('approved');
    const { token } = await pipeline.executionToken(task);
    const used = await runner.redeem(await pipeline.presentation(token), actionOf(evaluation));
    expect(used).toMatchObject({ request: task.task.id });
  });

  it('a denied change is over, and no token ever comes of it', async () => {
    const evaluation = change('payments-secrets', 'rotate', 'vault-rotate', { path: 'payments/other' });
    const { task } = await propose(pipeline, evaluation);
    await stack.sign('person/mira', task.task.id, 'deny');
    const over = await pipeline.wait(task, { timeoutMs: 45_000 });
    expect(over.task.status).toBe('denied');
    expect(await codeOf(pipeline.executionToken(approvedLie(over)))).not.toBe('done');
  });
});

describe('APB-3 what the gateway has denied', () => {
  it('is linked to what the same identity asks for next, and shown to whom it awaits', async () => {
    const about = (name: string): Evaluation => ({
      subject: PIPELINE,
      action: { name },
      resource: { type: 'warehouse', id: 'payments' },
    });
    expect(await pipeline.evaluate(about('admin'))).toMatchObject({
      decision: false,
      context: { reason: 'not_permitted' },
    });
    // Whoever may ask about the pipeline has attempted nothing in its name.
    await stack.as('person/ines', '/access/v1/evaluation', about('disable'));
    const reported = async () =>
      stack.query("SELECT reported_by, reason_code FROM countersign.denial WHERE subject = 'ci/payments'");
    await eventuallyTrue('the denial is on record', async () => (await reported()).length > 0);
    // What people can turn is no denial to hold against anybody: the way to a request begins with one.
    const { task } = await propose(pipeline, about('write'));
    expect(await reported()).toEqual([{ reported_by: 'service/gateway', reason_code: 'NO_MATCHING_POLICY' }]);
    const { json } = await eventually('what awaits mira', async () => {
      const seen = await stack.as('person/mira', `/v1/requests/${task.task.id}`);
      return seen.json.policy === undefined ? undefined : seen;
    });
    expect(json.policy.precedents).toContainEqual(
      expect.objectContaining({
        kind: 'reported-denial',
        about: 'warehouse:payments',
        by: 'service/gateway',
      }),
    );
  });
});
