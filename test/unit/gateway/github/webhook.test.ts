import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assert, constantFrom, oneof, property, string } from 'fast-check';
import { githubSchema } from '../../../../src/gateway/github/config';
import { ruleRequestedSchema, runOfCallback } from '../../../../src/gateway/github/payload';
import { Webhook } from '../../../../src/gateway/github/webhook';
import { HttpProblem } from '../../../../src/gateway/http/problem';
import { ruleMessage } from '../../../support/github/schemas';

const SECRET = 'a secret of the webhook, long enough';
const RULE = {
  repository: 'acme/payments',
  repositoryId: 4711,
  installation: 99,
  environment: 'production',
  as: 'ci/payments',
  entitlement: 'warehouse:payments#write',
  for: '1h',
};
const SETTINGS = { app: 'Iv1.abc', keyFile: 'app.pem', webhookSecretFile: 'secret', deployments: [RULE] };
const message = () =>
  ruleMessage({
    environment: 'production',
    event: 'push',
    deployment_callback_url:
      'https://api.github.com/repos/acme/payments/actions/runs/7/deployment_protection_rule',
    deployment: {
      id: 12,
      sha: 'a'.repeat(40),
      environment: 'production',
      created_at: '2026-11-30T10:00:00Z',
    },
    repository: { id: 4711, full_name: 'acme/payments' },
    installation: { id: 99, node_id: 'x' },
  });

let folder: string;
let secretFile: string;
let asked: string[];
let webhook: Webhook;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-webhook-'));
  secretFile = path.join(folder, 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  asked = [];
  webhook = new Webhook(secretFile, {
    ask: async (_message, body) => {
      asked.push(body);
      return { id: 'ghd_1', created: true };
    },
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signatureOf = (body: string, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
interface Given {
  readonly event: string | undefined;
  readonly delivery: string | undefined;
  readonly signature: string | undefined;
  readonly body: string;
}
const delivered = (over: Partial<Given> = {}): Given => {
  const body = JSON.stringify(message());
  const event = 'deployment_protection_rule';
  return { event, delivery: 'd-1', signature: signatureOf(body), body, ...over };
};
const codeOf = async (given: Given): Promise<string | undefined> => {
  try {
    await webhook.receive(given);
    return 'taken';
  } catch (error) {
    if (error instanceof HttpProblem) return error.about.code ?? String(error.status);
    throw error;
  }
};

describe('TTA-2 a delivery of GitHub counts by its signature', () => {
  test('what GitHub says that it sends is read, and asked once', async () => {
    expect(await webhook.receive(delivered())).toEqual({ outcome: 'asked', request: 'ghd_1' });
    expect(await webhook.receive(delivered())).toEqual({ outcome: 'known', request: 'ghd_1' });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['none', undefined],
    ['that of another secret', signatureOf(JSON.stringify(message()), 'another secret of the webhook')],
    ['the older kind', 'sha1=0000000000000000000000000000000000000000'],
    ['cut short', signatureOf(JSON.stringify(message())).slice(0, -2)],
    ['too long', `${signatureOf(JSON.stringify(message()))}00`],
    ['empty', 'sha256='],
  ])('a signature that is %s is refused, and nothing is read', async (_what, signature) => {
    expect(await codeOf(delivered({ signature }))).toBe('BAD_SIGNATURE');
    expect(await codeOf(delivered({ signature, body: '{' }))).toBe('BAD_SIGNATURE');
    expect(asked).toHaveLength(0);
  });

  test('a body that was changed by one character is refused', async () => {
    const one = delivered();
    expect(await codeOf({ ...one, body: one.body.replace('production', 'Production') })).toBe(
      'BAD_SIGNATURE',
    );
  });

  test('other events are taken and mean nothing; no id of a delivery, no delivery', async () => {
    expect(await webhook.receive(delivered({ event: 'ping' }))).toEqual({ outcome: 'ignored' });
    expect(await codeOf(delivered({ delivery: undefined }))).toBe('MALFORMED');
    const signed = (body: string) => delivered({ body, signature: signatureOf(body), delivery: 'd-9' });
    expect(await codeOf(signed('['))).toBe('MALFORMED');
    expect(await codeOf(signed(JSON.stringify({ ...message(), action: 'approved' })))).toBe('400');
    expect(asked).toHaveLength(0);
  });

  test('a delivery that failed may come again; the secret may be replaced while the gateway runs', async () => {
    let broken = true;
    const failing = new Webhook(secretFile, {
      ask: async () => {
        if (broken) throw new HttpProblem(503, 'not now');
        return { id: 'ghd_1', created: true };
      },
    });
    await expect(failing.receive(delivered())).rejects.toThrow(HttpProblem);
    broken = false;
    expect(await failing.receive(delivered())).toMatchObject({ outcome: 'asked' });
    writeFileSync(secretFile, 'another secret of the webhook');
    expect(await codeOf(delivered({ delivery: 'd-2' }))).toBe('BAD_SIGNATURE');
  });

  test('a secret that is short or missing is refused at the start', () => {
    writeFileSync(secretFile, 'short');
    const make = (file: string) => () => new Webhook(file, { ask: async () => ({ id: '', created: true }) });
    expect(make(secretFile)).toThrow(/needs a webhook secret of 24 characters/);
    expect(make(path.join(folder, 'none'))).toThrow(/needs a webhook secret/);
  });
});

describe('TTA-2 nothing is sent to an address that a message names', () => {
  const config = githubSchema.parse(SETTINGS);
  const REST = '/repos/acme/payments/actions/runs/7/deployment_protection_rule';
  const runOf = (address: string) => runOfCallback(address, config, 'acme/payments');

  test('the callback has to be that of a run of this repository at GitHub’s API', () => {
    expect(runOf(`https://api.github.com${REST}`)).toBe(7);
    expect(runOf(`https://api.github.com${REST.replace('acme', 'Acme')}`)).toBe(7);
    for (const address of [
      `https://evil.example${REST}`,
      `http://api.github.com${REST}`,
      `https://api.github.com.evil.example${REST}`,
      `https://api.github.com@evil.example${REST}`,
      `https://api.github.com:444${REST}`,
      `https://api.github.com${REST.replace('payments', 'other')}`,
      `https://api.github.com${REST.replace('/7/', '/7/../8/')}`,
      `https://api.github.com${REST.replace('/7/', '/%37/')}`,
      `https://api.github.com${REST.replace('/7/', '/07/')}`,
      `https://api.github.com${REST.replace('/7/', '/99999999999999999999/')}`,
      `https://api.github.com${REST}?x`,
      `https://api.github.com${REST}#x`,
      'file:///etc/passwd',
      '',
    ])
      expect(runOf(address)).toBeUndefined();
  });

  test('no other text is taken for one', () => {
    const parts = constantFrom('https://', 'api.github.com', REST, '/', '@', '..', '7', 'evil.example', '?');
    const text = oneof(parts, string());
    assert(
      property(text, text, text, text, (...all) => {
        const address = all.join('');
        const run = runOf(address);
        if (run !== undefined) expect(new URL(address).origin).toBe('https://api.github.com');
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('TTA-2 the settings of the App', () => {
  const problem = (over: object, rule: object = {}) =>
    githubSchema
      .safeParse({ ...SETTINGS, deployments: [{ ...RULE, ...rule }], ...over })
      .error?.issues.map(({ path: at, message: what }) => `${at.join('.')}: ${what}`)
      .join('; ');

  test('a person, another address, a repository by half a name and an environment twice are refused', () => {
    expect(problem({})).toBeUndefined();
    expect(problem({}, { as: 'person/mira' })).toMatch(/deployments.0.as: is a person/);
    expect(problem({ apiUrl: 'http://github.example' })).toMatch(/https/);
    expect(problem({ apiUrl: 'https://user@github.example' })).toMatch(/no query, fragment or user/);
    expect(problem({}, { repository: 'payments' })).toMatch(/owner\/name/);
    expect(problem({}, { for: '31d' })).toMatch(/for/);
    expect(problem({ deployments: [RULE, RULE] })).toMatch(/is there twice/);
    expect(problem({ deployments: [] })).toMatch(/deployments/);
  });

  test('what GitHub sends more than is read decides nothing', () => {
    const read = ruleRequestedSchema.parse(message());
    expect(Object.keys(read).sort()).toEqual([
      'action',
      'deployment',
      'deployment_callback_url',
      'environment',
      'installation',
      'repository',
    ]);
  });
});
