import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import canonicalize from 'canonicalize';
import { REGISTRATION_TYPE } from '../../src/contracts/enrolment';
import { STATEMENT_TYPE } from '../../src/contracts/statement';
import { digestOf } from '../../src/domain/digest';
import { exampleKeyFile } from '../../src/stack/example-bundle';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventually } from '../support/harness-wait';
import { claimsOf, signedByHolder } from '../support/signing/enrolment';
import { SoftwarePasskey } from '../support/signing/passkey';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
let stack: UpStack;
let elsewhere: string;
beforeAll(async () => {
  stack = await UpStack.start();
  elsewhere = mkdtempSync(path.join(tmpdir(), 'countersign-elsewhere-'));
}, 180_000);
afterAll(async () => {
  await stack?.stop();
  rmSync(elsewhere, { recursive: true, force: true });
});

interface Result {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answers of many commands, and a test fails where one differs
  readonly json: any;
  readonly err: string;
}

/** A command on a machine that knows the gateway and a key file, and neither Temporal, a bundle nor codec keys. */
function command(person: string, ...args: readonly string[]): Promise<Result> {
  const { PATH = '' } = process.env;
  const env = {
    PATH,
    HOME: elsewhere,
    COUNTERSIGN_GATEWAY: stack.url,
    COUNTERSIGN_AS: person,
    COUNTERSIGN_KEY: exampleKeyFile(stack.stateDir, person),
  };
  const dashes = args.indexOf('--');
  const own = dashes < 0 ? [...args, '--json'] : [...args.slice(0, dashes), '--json', ...args.slice(dashes)];
  return new Promise((resolve) =>
    execFile(process.execPath, [COMMAND, ...own], { env, cwd: elsewhere }, (error, out, err) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({
        code,
        json: out.trim() === '' ? undefined : JSON.parse(out.trim().split('\n').at(-1) ?? ''),
        err,
      });
    }),
  );
}

const WRITE = ['--entitlement', 'warehouse:payments#write', '--for', '5m', '--reason', 'a test'];

async function submitted(): Promise<string> {
  const { code, json, err } = await command('ci/payments', 'request', 'submit', ...WRITE);
  expect([code, err]).toEqual([0, '']);
  return json.id;
}

describe('WEB-4 everything works through the gateway with a key file, without Temporal', () => {
  test('submit, list, show and approve', async () => {
    const id = await submitted();
    const { json: rows } = await eventually('it is listed', async () => {
      const listed = await command('person/mira', 'request', 'list', '--awaiting', 'person/mira');
      return listed.json.length > 0 ? listed : undefined;
    });
    expect(rows).toMatchObject([{ id, status: 'awaiting_approval', basis: 'derived' }]);
    const shown = await command('person/mira', 'request', 'show', id);
    expect(shown.json).toMatchObject({ id, status: 'awaiting_approval', proof: { holds: true } });
    const approved = await command('person/mira', 'approve', id.slice(0, 8), '--comment', 'fine', '--yes');
    expect([approved.code, approved.json]).toMatchObject([0, { id, accepted: true }]);
    const { json } = await eventually('it is granted', async () => {
      const seen = await command('ci/payments', 'request', 'show', id);
      return seen.json.status === 'active' ? seen : undefined;
    });
    expect(json.lease.account).toBe('payments_ci');
    expect((await command('ci/payments', 'revoke', id)).json).toMatchObject({ accepted: true });
    expect((await command('ci/payments', 'request', 'list', '--status', 'active')).json).toEqual([]);
  }, 60_000);

  test('reroute, endorse, cancel and deny; a stranger sees and signs nothing', async () => {
    const id = await submitted();
    await eventually('it waits', async () =>
      (await command('person/mira', 'request', 'show', id)).json.status === 'awaiting_approval'
        ? true
        : undefined,
    );
    const grounds = [
      '--reason-code',
      'approver-absent',
      '--ticket',
      'OPS-1',
      '--policy-basis',
      'production-write',
    ];
    const change = ['--replace', 'person/mira', '--with', 'person/david', '--until', '1h'];
    const rerouted = await command('person/nadia', 'reroute', id, ...grounds, ...change, '--yes');
    expect([rerouted.code, rerouted.json.accepted]).toEqual([0, true]);
    expect(await command('person/lena', 'request', 'show', id)).toMatchObject({
      code: 1,
      json: { error: { code: 'NOT_FOUND' } },
    });
    expect(await command('person/lena', 'approve', id, '--yes')).toMatchObject({
      code: 1,
      json: { error: { code: 'NOT_FOUND' } },
    });
    const denied = await command(
      'person/david',
      'deny',
      id,
      '--reason-code',
      'not-now',
      '--comment',
      'later',
    );
    expect([denied.code, denied.json]).toMatchObject([0, { accepted: true, status: 'denied' }]);
  }, 60_000);

  test('run holds access for as long as its command, asked for with a key', async () => {
    const read = ['--entitlement', 'warehouse:reporting#read', '--for', '5m', '--reason', 'a test'];
    const own = ['--as', 'agent/atlas', '--key', exampleKeyFile(stack.stateDir, 'agent/atlas')];
    const ran = await command(
      'agent/atlas',
      'run',
      ...read,
      ...own,
      '--gateway',
      stack.url,
      '--',
      'sh',
      '-c',
      'echo 7; exit 7',
    );
    expect([ran.code, ran.err]).toEqual([7, expect.stringContaining('no access is left')]);
  }, 60_000);
});

describe('WEB-3 a governor enrols, lists, endorses and retires passkeys from the command line', () => {
  test('from the link to a decision that the command line proves, to the end of the key', async () => {
    const mistaken = await command('person/mira', 'enrol', 'person/tomas');
    expect([mistaken.code, mistaken.json.error.code]).toEqual([1, 'NOT_GOVERNANCE']);
    const { json: invited } = await command('person/nadia', 'enrol', 'person/tomas', '--endorse');
    expect(invited).toMatchObject({ person: 'person/tomas', checked: true, endorse: true });
    const { origin, hash, pathname, hostname } = new URL(invited.link);
    expect([origin, pathname]).toEqual([stack.url.replace('127.0.0.1', 'localhost'), '/enrol']);
    const { invitation, key } = JSON.parse(Buffer.from(hash.slice(1), 'base64url').toString());
    const passkey = new SoftwarePasskey();
    const { credentialId, publicKey } = passkey;
    const credential = { credentialId, publicKey, rpId: hostname, origin };
    const claims = claimsOf('person/tomas', passkey, Date.now(), {
      invitation: digestOf(invitation),
      credential,
    });
    const registration = await signedByHolder(key, claims, REGISTRATION_TYPE);
    const added = await stack.web.call('/v1/keys', { body: { invitation, registration } });
    expect([added.status, added.json.state]).toEqual([201, 'awaits-endorsement']);
    const endorsed = await command('person/viktor', 'keys', 'endorse', credentialId.slice(0, 12));
    expect(endorsed.json).toMatchObject({ state: 'counts', vouchedBy: ['person/nadia', 'person/viktor'] });
    expect((await command('person/nadia', 'keys', 'list', 'person/tomas')).json.keys).toHaveLength(1);
    expect((await command('person/tomas', 'keys', 'list')).json.keys).toMatchObject([
      { person: 'person/tomas' },
    ]);
    expect((await command('person/mira', 'keys', 'list')).json.keys).toEqual([]);

    const id = await submitted();
    const { digest, revision } = await eventually('it waits', async () => {
      const { json } = await stack.as('person/tomas', `/v1/requests/${id}`);
      return json.stage === undefined ? undefined : json;
    });
    const iat = Date.now() / 1_000;
    const about = { verb: 'deny', request: id, digest, revision, reasonCode: 'not-now' };
    const said = {
      ...about,
      iss: 'person/tomas',
      jti: randomUUID(),
      iat,
      exp: iat + 600,
      typ: STATEMENT_TYPE,
    };
    const envelope = passkey.sign(said, { origin, rpId: hostname, claims: canonicalize(said) ?? '' });
    // A store or a worker that is too busy to answer is asked again.
    const answer = await eventually('it is carried', async () => {
      const { status, json } = await stack.as('person/tomas', `/v1/requests/${id}/statements`, envelope);
      return status === 503 ? undefined : json;
    });
    expect(answer).toMatchObject({ accepted: true, status: 'denied' });
    expect((await command('person/mira', 'request', 'show', id)).json).toMatchObject({
      status: 'denied',
      proof: { holds: true },
    });
    const retired = await command(
      'person/nadia',
      'keys',
      'retire',
      credentialId.slice(0, 12),
      '--reason',
      'lost',
    );
    expect([retired.code, retired.json.state]).toEqual([0, 'retired']);
    const direct = ['--register-url', stack.targetUrl];
    const { PATH = '' } = process.env;
    const env = { PATH, HOME: elsewhere, COUNTERSIGN_BUNDLE: path.join(stack.stateDir, 'bundle') };
    const listed = await new Promise<string>((resolve) =>
      execFile(
        process.execPath,
        [COMMAND, 'keys', 'list', ...direct],
        { env, cwd: elsewhere },
        (_error, out) => resolve(out),
      ),
    );
    expect(listed).toMatch(/person\/tomas {2}retired/);
  }, 60_000);
});
