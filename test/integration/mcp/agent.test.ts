import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { signSubmission } from '../../../src/signing/sign';
import { exampleKeyFile } from '../../../src/stack/example-bundle';
import { eventuallyTrue } from '../../support/harness-wait';
import { UpStack } from '../gateway/support/up-stack';
import { ask, call, MIGRATE, type Migrator, migration, startMigrator } from './support';

jest.setTimeout(120_000);

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

let stack: UpStack;
let migrator: Migrator;
let tokenDir: string;
let atlas: Client;
let runner: Client;

beforeAll(async () => {
  stack = await UpStack.start();
  tokenDir = mkdtempSync(path.join(tmpdir(), 'countersign-tokens-'));
  migrator = await startMigrator(stack);
  atlas = await connect('agent/atlas', ['--executor', migrator.endpoint.url, '--token-dir', tokenDir]);
  runner = await connect('service/runner', ['--token-dir', tokenDir]);
}, 180_000);
afterAll(async () => {
  await Promise.all([atlas?.close(), runner?.close()]);
  await migrator?.stop();
  await stack?.stop();
});

/** The real client of the protocol, over a real pipe, to the command as a user configures it. */
async function connect(principal: string, more: readonly string[] = []): Promise<Client> {
  const client = new Client({ name: 'an-agent', version: '1.0.0' });
  const args = [COMMAND, 'mcp', '--as', principal, '--key', exampleKeyFile(stack.stateDir, principal)];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [...args, '--gateway', stack.url, ...more],
      stderr: 'ignore',
    }),
  );
  return client;
}

const exists = async (table: string): Promise<boolean> =>
  (await stack.query('SELECT to_regclass($1) AS found', [`payments.${table}`]))[0]?.['found'] != null;
const holds = async (): Promise<unknown> =>
  (await stack.query("SELECT pg_has_role('atlas_agent', 'reporting_read', 'MEMBER') AS held"))[0]?.['held'];

describe('FRI-2 the front door of an agent, by its own tool protocol', () => {
  test('APB-7 it finds what it can ask for, and the safe way in place of what is never given', async () => {
    const all = await call(atlas, 'list_requestable');
    expect(all['requestable']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          entitlement: 'warehouse:reporting#read',
          answer: 'by_policy',
          decided_by: ['policy alone'],
          longest_ms: 3_600_000,
          kind: 'access',
        }),
        expect.objectContaining({
          ...{ entitlement: MIGRATE, answer: 'after_approval', kind: 'execution' },
          decided_by: [expect.stringMatching(/^\w+: 1 of \d+ in [a-z-]+$/)],
        }),
        expect.objectContaining({ entitlement: 'changes:edge-network#apply', needs_ticket: true }),
      ]),
    );
    expect(all['never']).toContainEqual(
      expect.objectContaining({
        entitlement: 'network:egress-policy#disable',
        safe_way: 'Ask network engineering for a rule for the exact destination and port.',
      }),
    );
    const some = await call(atlas, 'list_requestable', { search: 'reports read' });
    expect(some['requestable']).toHaveLength(1);
  });

  test('FRI-1 low risk is given at once, and given back', async () => {
    const asked = { entitlement: 'warehouse:reporting#read', minutes: 5, reason: 'weekly report' };
    const given = await ask(atlas, 'request_access', asked);
    expect(given).toMatchObject({
      status: 'active',
      isError: false,
      account: 'atlas_agent',
      next: expect.stringContaining('give_back'),
    });
    expect(await holds()).toBe(true);
    expect(await call(atlas, 'give_back', { request: given['request'] })).toMatchObject({ accepted: true });
    const after = await call(atlas, 'wait', { request: given['request'], seconds: 10 });
    expect(['revoked', 'closed', 'active']).toContain(after['status']);
    await eventuallyTrue('the role is taken back', async () => (await holds()) === false);
  });

  test('APB-1, APB-7 a hard stop says so, and says the safe way', async () => {
    const stopped = await ask(atlas, 'request_access', {
      entitlement: 'network:egress-policy#disable',
      minutes: 5,
      reason: 'temporarily, the manager agrees',
    });
    expect(stopped).toMatchObject({
      status: 'hard_stopped',
      policy: { codes: ['CONTROL_WEAKENING'] },
      safe_way: 'Ask network engineering for a rule for the exact destination and port.',
      next: expect.stringMatching(/never be approved.*Ask network engineering/s),
    });
  });

  test('AGE-1, AGE-2 what it proposes happens after sign-off, exactly, once, and its token is never shown', async () => {
    const proposed = await ask(atlas, 'propose_action', migration('refund'));
    expect(proposed).toMatchObject({
      status: 'awaiting_approval',
      awaiting: ['person/aiko', 'person/david'],
      next: expect.stringContaining('call wait'),
      waiting_since: expect.any(String),
    });
    const request = String(proposed['request']);
    expect(await call(atlas, 'execute', { request })).toMatchObject({
      isError: true,
      error: 'NOT_AUTHORISED',
    });
    expect(await call(atlas, 'fetch_token', { request })).toMatchObject({ isError: true });
    expect(await exists('refund')).toBe(false);

    const waiting = call(atlas, 'wait', { request, seconds: 40 });
    expect((await stack.sign('person/aiko', request, 'approve')).json).toMatchObject({ accepted: true });
    expect(await waiting).toMatchObject({ status: 'active', next: expect.stringContaining('execute') });

    const executed = await call(atlas, 'execute', { request });
    expect(executed).toMatchObject({ isError: false, outcome: 'succeeded' });
    expect(JSON.stringify(executed)).not.toMatch(/eyJ/);
    expect(await exists('refund')).toBe(true);
    expect(await call(atlas, 'execute', { request })).toMatchObject({ isError: true });
    expect(await call(atlas, 'wait', { request, seconds: 0 })).toMatchObject({ outcome: 'succeeded' });
  });

  test('AGE-5 an executor that is an agent itself redeems from a file, once, for exactly the action, and reports', async () => {
    const rotation = {
      ...{ entitlement: 'changes:payments-secrets#rotate', minutes: 10, reason: 'the key is a year old' },
      ...{ tool: 'vault', target: 'payments-secrets', arguments: { path: 'payments/api' } },
      ...{ containment: 'keep the old version', rollback: 'restore the old version' },
    };
    const request = String((await ask(atlas, 'propose_action', rotation))['request']);
    const [lead = ''] = (await call(atlas, 'wait', { request, seconds: 0 }))['awaiting'] as string[];
    expect((await stack.sign(lead, request, 'approve')).json).toMatchObject({ accepted: true });
    expect(await call(atlas, 'wait', { request, seconds: 40 })).toMatchObject({ status: 'active' });
    const fetched = await call(atlas, 'fetch_token', { request });
    expect(fetched).toMatchObject({
      audience: 'service/runner',
      file: path.join(tokenDir, `${request}.json`),
    });
    expect(JSON.stringify(fetched)).not.toMatch(/eyJ/);
    expect(statSync(String(fetched['file'])).mode & 0o777).toBe(0o600);

    const { tool, target } = rotation;
    const other = { request, tool, target, arguments: { path: 'payments/other' } };
    expect(await call(runner, 'redeem_token', other)).toMatchObject({
      isError: true,
      error: 'DIGEST_MISMATCH',
    });
    // A proof of possession counts once, so a second try needs another.
    await call(atlas, 'fetch_token', { request });
    const exact = { request, tool, target, arguments: rotation.arguments };
    expect(await call(runner, 'redeem_token', exact)).toMatchObject({
      isError: false,
      redeemed_at: expect.any(String),
    });
    expect(await call(runner, 'redeem_token', exact)).toMatchObject({ isError: true });
    expect(await call(runner, 'report_outcome', { request, outcome: 'succeeded' })).toMatchObject({
      recorded: true,
    });
    expect(await call(atlas, 'wait', { request, seconds: 0 })).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('TTA-7 an agent at the front door can approve nothing', () => {
  test('there is no tool for it, and no identity to do it by', async () => {
    const { tools } = await atlas.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      ...['execute', 'fetch_token', 'give_back', 'list_requestable', 'propose_action'],
      ...['redeem_token', 'report_outcome', 'request_access', 'wait'],
    ]);
    await expect(connect('person/mira')).rejects.toThrow();
  });

  test('what an agent cannot see or send is a plain answer', async () => {
    const foreign = await call(runner, 'wait', { request: 'no-such-request', seconds: 0 });
    expect(foreign).toMatchObject({ isError: true, next: expect.stringContaining('your own requests') });
    const wrong = await call(atlas, 'request_access', { entitlement: 'all', minutes: 5, reason: 'x' });
    expect(wrong.isError).toBe(true);
    expect(
      await call(runner, 'redeem_token', {
        request: '..-etc-passwd',
        tool: 'x',
        target: 'y',
        arguments: {},
      }),
    ).toMatchObject({ isError: true });
    writeFileSync(path.join(tokenDir, 'garbage-request.json'), '{');
    const garbage = { request: 'garbage-request', tool: 'x', target: 'y', arguments: {} };
    expect(await call(runner, 'redeem_token', garbage)).toMatchObject({ isError: true, error: 'NO_TOKEN' });
  });

  test('a request is carried for its requester alone', async () => {
    const request = {
      id: 'carried-for-another',
      kind: 'access',
      requester: 'ci/payments',
      beneficiary: 'ci/payments',
      entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
      durationMs: 60_000,
      emergency: false,
      reason: 'in somebody else’s name',
      onBehalfOf: [],
      submittedAtMs: Date.now(),
    } as const;
    const stolen = await signSubmission(request, await stack.key('agent/atlas'));
    expect((await stack.as('agent/atlas', '/v1/requests', stolen)).status).toBe(403);
  });
});
