import path from 'node:path';
import { createRemoteJWKSet } from 'jose';
import {
  type Decision,
  type EnforcementPoint,
  type Evaluation,
  GatewayError,
  MigrationExecutor,
  type TaskAnswer,
  TokenCheck,
} from '../../../src/enforcement';
import { createBundleSource, FileTicketSource } from '../../../src/policy';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
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
  const quiet = { info: () => undefined, error: () => undefined };
  const bundles = await createBundleSource(path.join(stack.stateDir, 'bundle'), {
    tickets: new FileTicketSource(undefined),
    logger: quiet,
  });
  executor = new MigrationExecutor({
    url: stack.targetUrl,
    audience: 'service/migrator',
    authority: async () => {
      const { directory, policy } = await bundles.current();
      return { directory: new SignedDirectory(directory), policy };
    },
    evidence: (requestId) => migrator.evidence(requestId),
    tokens: new TokenCheck({
      issuer: stack.url,
      keys: createRemoteJWKSet(new URL(`${stack.url}/access/v1/jwks`)),
    }),
    report: (requestId, outcome) => migrator.reportOutcome(requestId, outcome),
  });
});
afterAll(async () => {
  await executor?.close();
  await stack?.stop();
});

const PIPELINE = { type: 'ci', id: 'payments' };

function change(resource: string, action: string, tool: string, given: object, ticket?: string): Evaluation {
  return {
    subject: PIPELINE,
    action: {
      name: action,
      properties: { tool, tool_version: '1', target: resource, arguments: given },
    },
    resource: { type: 'changes', id: resource },
    ...(ticket !== undefined && { context: { ticket } }),
  };
}

const additions = {
  context: {
    business_justification: 'release 42',
    'urn:countersign:containment': 'stop the pipeline and put the service into read-only mode',
    'urn:countersign:rollback': 'run the reverse change that is attached to the release',
  },
  requestedAccess: { requested_until: new Date(Date.now() + 20 * 60_000).toISOString() },
};

async function propose(
  evaluation: Evaluation,
  point = pipeline,
): Promise<{ denial: Decision; task: TaskAnswer }> {
  const denial = await point.evaluate(evaluation);
  expect(denial).toMatchObject({ decision: false, context: { reason: 'approval_required' } });
  const task = await point.request(evaluation, denial, additions);
  expect(task.task.status).toBe('pending');
  return { denial, task };
}

const codeOf = (attempt: Promise<unknown>): Promise<string | undefined> =>
  attempt.then(
    () => 'done',
    (error: unknown) =>
      error instanceof GatewayError ? (error.code ?? String(error.status)) : String(error),
  );

const actionOf = ({ action }: Evaluation) => {
  const { tool, tool_version, target, arguments: given } = action.properties ?? {};
  return { tool, toolVersion: tool_version, target, arguments: given };
};

describe('AGE-6, AGE-1, AGE-3 a schema migration', () => {
  const table = (name: string) => ({
    statements: [
      `CREATE TABLE payments.${name} (id bigint PRIMARY KEY, note text)`,
      `INSERT INTO payments.${name} VALUES (1, 'made by an approved migration')`,
    ],
  });
  const exists = async (name: string): Promise<boolean> =>
    (await stack.query('SELECT to_regclass($1) AS found', [`payments.${name}`]))[0]?.['found'] != null;
  const present = async (task: TaskAnswer) =>
    pipeline.presentation((await pipeline.executionToken(task)).token);

  it('changes the database after sign-off and not before', async () => {
    const evaluation = change('payments-schema', 'migrate', 'sql-migration', table('refund'));
    const { task } = await propose(evaluation);
    const id = task.task.id;
    // Nothing can be had before people have signed, by the polite way or by another.
    await expect(pipeline.executionToken(task)).rejects.toThrow('no approved execution');
    expect(await codeOf(pipeline.executionToken(approvedLie(task)))).toBe('NOT_AUTHORISED');
    expect(await exists('refund')).toBe(false);

    await eventuallyTrue('it is listed for whom it awaits', async () => {
      const awaiting = await stack.as('person/aiko', '/v1/awaiting');
      return awaiting.json.requests.some((one: { id: string }) => one.id === id);
    });
    const seen = await stack.as('person/aiko', `/v1/requests/${id}`);
    expect(seen.json).toMatchObject({
      request: {
        requester: 'ci/payments',
        parameters: { arguments: table('refund') },
        containment: expect.stringContaining('read-only'),
        rollback: expect.stringContaining('reverse change'),
      },
      stage: 'owner',
    });
    expect((await stack.sign('person/aiko', id, 'approve')).json).toMatchObject({ accepted: true });

    const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
    expect(approved).toMatchObject({
      task: { status: 'approved' },
      result: { mode: 'urn:countersign:result-mode:execution-token', execution: { request: id } },
    });
    expect(await exists('refund')).toBe(false);
    expect(await executor.execute(await present(approved))).toEqual({
      outcome: 'succeeded',
      request: id,
      rows: [0, 1],
    });
    expect(await exists('refund')).toBe(true);
    const after = await stack.as('person/aiko', `/v1/requests/${id}`);
    expect(after.json.execution).toMatchObject({ redeemedBy: 'service/migrator', outcome: 'succeeded' });
  });

  it('is not skipped, changed, repeated or raced', async () => {
    const evaluation = change('payments-schema', 'migrate', 'sql-migration', table('chargeback'));
    const { task, denial } = await propose(evaluation);
    const other = change('payments-schema', 'migrate', 'sql-migration', {
      statements: ['DROP SCHEMA payments CASCADE'],
    });
    // Changed: the denial of one is no ground to ask for another.
    expect(await codeOf(pipeline.request(other, denial, additions))).toBe('400');
    await stack.sign('person/david', task.task.id, 'approve');
    const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
    const { token } = await pipeline.executionToken(approved);
    // Changed: the token of one is no token for another.
    const wrong = await migrator
      .redeem(await pipeline.presentation(token), actionOf(other))
      .catch((error: GatewayError) => error.code);
    expect(wrong).toBe('DIGEST_MISMATCH');
    // Raced and repeated: of many at once one runs, and none after it.
    const presentations = await Promise.all(Array.from({ length: 8 }, () => pipeline.presentation(token)));
    const outcomes = await Promise.all(presentations.map((one) => executor.execute(one)));
    const told = outcomes.map((one) => (one.outcome === 'refused' ? one.refusal.code : one.outcome)).sort();
    expect(told).toEqual([...Array.from({ length: 7 }, () => 'REPLAYED'), 'succeeded']);
    const again = await executor.execute(await pipeline.presentation(token));
    expect(again).toMatchObject({ outcome: 'refused', refusal: { code: 'REPLAYED' } });
    expect(await codeOf(pipeline.executionToken(approved))).toBe('REPLAYED');
    expect(await stack.query('SELECT count(*)::int AS rows FROM payments.chargeback')).toEqual([{ rows: 1 }]);
  });

  it('leaves nothing of a migration that fails, and uses its token up', async () => {
    const broken = { statements: ['CREATE TABLE payments.half (id int)', 'SELECT 1 / 0'] };
    const { task } = await propose(change('payments-schema', 'migrate', 'sql-migration', broken));
    await stack.sign('person/aiko', task.task.id, 'approve');
    const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
    const { token } = await pipeline.executionToken(approved);
    expect(await executor.execute(await pipeline.presentation(token))).toMatchObject({
      outcome: 'failed',
      sqlState: '22012',
    });
    expect(await exists('half')).toBe(false);
    expect(await executor.execute(await pipeline.presentation(token))).toMatchObject({
      refusal: { code: 'REPLAYED' },
    });
    const seen = await stack.as('person/aiko', `/v1/requests/${task.task.id}`);
    expect(seen.json.execution).toMatchObject({ outcome: 'failed' });
  });

  it('runs as the role that the catalog names, and cannot leave its transaction', async () => {
    for (const [statements, told] of [
      [
        ['CREATE TABLE payments.sneaky (id int)', '/* harmless /* nested */ */ COMMIT', 'SELECT 1 / 0'],
        'MALFORMED',
      ],
      [['-- harmless\nSET ROLE postgres'], 'MALFORMED'],
      [['SELECT 1; COMMIT; SELECT 2'], '42601'],
      [['UPDATE countersign.execution SET redeemed_at_ms = NULL'], '42501'],
      [
        [
          "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
          'UPDATE countersign.execution SET redeemed_at_ms = NULL',
        ],
        'unknown',
      ],
    ] as const) {
      const { task } = await propose(change('payments-schema', 'migrate', 'sql-migration', { statements }));
      await stack.sign('person/aiko', task.task.id, 'approve');
      const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
      const outcome = await executor.execute(await present(approved));
      expect(
        outcome.outcome === 'refused' ? outcome.refusal.code : 'sqlState' in outcome && outcome.sqlState,
      ).toBe(told);
    }
    expect(await exists('sneaky')).toBe(false);
  });
});

/** What a caller says who will not wait. */
const approvedLie = (task: TaskAnswer): TaskAnswer => ({
  task: { ...task.task, status: 'approved' },
  result: { mode: 'urn:countersign:result-mode:execution-token', execution: { request: task.task.id } },
});

/** Carries an approved change out with a tool of its own, and says how it ended. */
async function carryOut(evaluation: Evaluation, approvers: readonly string[], tool: () => void) {
  const { task } = await propose(evaluation);
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
    const { task } = await propose(evaluation);
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
    const { task } = await propose(about('write'));
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
