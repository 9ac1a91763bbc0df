import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { webhook } from '../../src/connectors/webhook/definition';
import { WebhookTarget } from '../../src/connectors/webhook/target';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { ChangeProxy } from '../support/targets/change-proxy';
import { livesOnTarget } from '../support/targets/lives';
import { ExampleService, OTHER_SECRET, SECRET } from '../support/targets/webhook-service';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const DBA = { group: 'dba' };
const ACCESS = { account: 'jonas', grant: DBA, grantName: 'group=dba' };
const MIRA = { ...ACCESS, account: 'mira' };

let dir: string;
let postgres: TestPostgres;
let service: ExampleService;
let proxy: ChangeProxy;
let connector: LeaseBookConnector;
/** Every message that the connector has sent through the proxy. */
const messages: unknown[] = [];
let isDown = false;
const setDown = async (down: boolean) => {
  isDown = down;
};
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-webhook-'));
  writeFileSync(path.join(dir, 'secret'), `${SECRET}\n`);
  [postgres, service] = await Promise.all([startPostgres(), ExampleService.start('typescript')]);
  proxy = await ChangeProxy.start({
    upstream: () => (isDown ? undefined : new URL(service.url)),
    isChange: (_, body) => {
      messages.push(JSON.parse(body));
      return /"type":"access\.(give|take)"/.test(body);
    },
  });
  connector = new LeaseBookConnector({ name: 'groups', target: target(), url: postgres.url });
}, 120_000);
afterAll(async () => {
  await connector?.close();
  await proxy?.stop();
  service?.stop();
  postgres?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const target = (url = `${proxy.url}/`, secret = SECRET) => new WebhookTarget({ url, secret });
/** The service itself, past the proxy. */
const past = () => target(service.url);
const works = () => past().holds(ACCESS);
const ASIDE = { leaseId: 'given-by-hand', expiresAtMs: Date.now() + 3_600_000 };
const giveAside = () => past().give(ACCESS, ASIDE);
const takeAside = async () => {
  for (const { leaseId, ...one } of await past().marked([DBA]))
    if (one.account === 'jonas') await past().take(one, { ...ASIDE, leaseId });
};

const outage = { halt: () => setDown(true), restart: () => setDown(false) };

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: a service behind a webhook', () => {
  const contract = connectorContract({
    definition: webhook,
    connector: () => connector,
    account: 'jonas',
    grant: DBA,
    grantName: 'group=dba',
    unknown: [{ account: 'nobody' }, { grant: { group: 'nothing' } }],
    access: { holds: works, giveAside, takeAside },
    breakOff: async (work) => {
      proxy.nextChange = 'is lost';
      await expect(work()).rejects.toThrow('the service cannot be reached');
    },
    outage,
  });
  for (const { name, run } of contract) test(name, run);
});

const MISFITS = {
  'wrong-secret': () => ({
    settings: { secret: OTHER_SECRET },
    says: /the service refused: 401 the signature is wrong/,
  }),
  'unknown-group': () => ({
    grant: { group: `no 'such', grüppe="x"` },
    says: /there is no group no 'such', grüppe="x"/,
  }),
};

livesOnTarget('webhook', MISFITS, () => ({
  kind: 'webhook',
  settings: { url: `${proxy.url}/`, secret: SECRET },
  account: 'jonas',
  grant: DBA,
  works,
  proxy,
  outage,
  other: {
    account: 'mira',
    give: () => past().give(MIRA, ASIDE),
    holds: () => past().holds(MIRA),
    take: () => past().take(MIRA, ASIDE),
  },
}));

describe('TGT-1, TGT-2 the example services keep the contract, as their authors try it', () => {
  const trial = (url: string, ...more: readonly string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const options = [
        '--secret-file',
        path.join(dir, 'secret'),
        '--account',
        'mira',
        '--grant',
        'group=ops',
      ];
      const { PATH = '', HOME = '' } = process.env;
      const args = [COMMAND, 'connector', 'test', url, ...options, ...more];
      execFile(process.execPath, args, { env: { PATH, HOME } }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
    });

  test.each(['typescript', 'python'] as const)('the one in %s', async (language) => {
    const one = await ExampleService.start(language);
    const { code, stdout, stderr } = await trial(one.url);
    one.stop();
    expect([
      code,
      stdout.split('\n').filter((line) => line.startsWith('FAIL')),
      stderr.includes(SECRET),
    ]).toEqual([0, [], false]);
    expect(stdout).toMatch(/^ok {4}two leases of the same access: the access goes with the last one$/m);
    expect(stdout).toMatch(
      /^ok {4}the service answers 401 to a message without a signature, and does nothing$/m,
    );
  }, 400_000);

  test('a service that believes everybody, and one that forgets the lease, are told what they break', async () => {
    const careless = await startCareless();
    const { code, stdout } = await trial(`http://127.0.0.1:${(careless.address() as AddressInfo).port}/`);
    careless.close();
    expect(code).toBe(1);
    for (const name of [
      'the service answers 401 to a message without a signature, and does nothing',
      'the service answers 401 to the signature of another message, and does nothing',
      'the service lists what it gave by the id of the lease; given twice it is there once, taken twice it is gone',
      'an account or a grant that the target does not have is refused, and nothing is half done',
    ])
      expect(stdout).toContain(`FAIL  ${name}`);
  }, 400_000);

  test('one line for a wrong address, a wrong grant and a secret that is none', async () => {
    expect(await trial('http://service.example/')).toMatchObject({ code: 2, stderr: /must be https/ });
    expect((await trial(service.url, '--grant', 'ops')).stderr).toMatch(
      /^countersign: --grant ops: write it as name=value/,
    );
  }, 60_000);
});

/** Takes any message, and keeps one entry for each account instead of one for each lease. */
async function startCareless(): Promise<Server> {
  const held = new Map<string, { account: string; grant: object; leaseId: string }>();
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { type, account, grant } = JSON.parse(text);
    if (type === 'access.give') held.set(account, { account, grant, leaseId: 'x' });
    if (type === 'access.take') held.delete(account);
    const answers: Record<string, object> = {
      'access.check': { held: held.has(account) },
      'access.list': { access: [...held.values()] },
    };
    response.end(JSON.stringify(answers[type] ?? {}));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

describe('TGT-2 a change that was on its way', () => {
  test('TGT-2 a change that arrives after the lease has ended is undone by the reconciler', async () => {
    proxy.nextChange = 'is held';
    const giving = connector.provision(
      await authorise({ id: 'late-change-1', account: 'jonas', grant: DBA }),
    );
    const broken = giving.catch(() => 'broke');
    const carryOut = await proxy.held();
    expect(await broken).toBe('broke');
    await connector.revoke('late-change-1', 'revoked');
    carryOut();
    while (!(await works()));
    expect(await connector.clearLeftBehind()).toEqual([]);
    expect(await works()).toBe(false);
  }, 60_000);
});

test('TGT-1 every message that was sent is one that the OpenAPI document has', () => {
  const file = path.resolve(__dirname, '../../docs/targets/webhook.openapi.yaml');
  const { components } = parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'contract', components });
  const kinds = { check: 'Check', give: 'Give', take: 'Take', list: 'List' };
  const seen = Object.entries(kinds).map(([type, schema]) => {
    const sent = messages.filter((one) => JSON.stringify(one).includes(`"type":"access.${type}"`));
    const validate = ajv.compile({
      $ref: `contract#/components/schemas/${schema}`,
      unevaluatedProperties: false,
    });
    return sent.length > 0 && sent.every((one) => validate(one));
  });
  expect(seen).toEqual([true, true, true, true]);
});
