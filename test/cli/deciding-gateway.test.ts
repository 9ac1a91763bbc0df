import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readKeyFile } from '../../src/signing/keys';
import { exampleKeyFile, provideExampleBundle } from '../../src/stack/example-bundle';
import { freePort } from '../../src/stack/free-port';
import { Web } from '../integration/gateway/support/http';
import { selfSigned } from '../integration/gateway/support/tokens';
import { eventually } from '../support/harness-wait';
import { startTestServer, type TestServer } from '../support/temporal';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

let temporal: TestServer;
let dir: string;
let bundle: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  temporal = await startTestServer();
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-deciding-'));
  bundle = await provideExampleBundle(dir);
}, 60_000);
afterAll(async () => {
  child?.kill();
  if (child?.exitCode === null) await once(child, 'exit');
  await temporal?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts a gateway whose environment has no address of a connector, a ledger or a register. */
async function start(config: string): Promise<{ web: Web; said: () => string; exited: Promise<unknown> }> {
  const port = await freePort();
  const file = path.join(dir, 'gateway.yaml');
  writeFileSync(file, config);
  const bare = Object.entries(process.env).filter(([name]) => !name.startsWith('COUNTERSIGN_'));
  let said = '';
  child = spawn(process.execPath, [COMMAND, 'gateway', '--port', String(port), '--config', file], {
    env: {
      ...Object.fromEntries(bare),
      COUNTERSIGN_BUNDLE: bundle,
      COUNTERSIGN_STATE_DIR: path.join(dir, 'state'),
      COUNTERSIGN_GATEWAY_KEY: exampleKeyFile(dir, 'service/gateway'),
      TEMPORAL_ADDRESS: temporal.address,
    },
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      said += chunk;
    });
  return { web: new Web(`http://127.0.0.1:${port}`), said: () => said, exited: once(child, 'exit') };
}

describe('SHP-4 a gateway that only decides', () => {
  test('needs the address of nothing it does not use, and takes no requests', async () => {
    const { web } = await start('decidesOnly: true\nenforcementPoints: [service/runner]\n');
    await eventually('it answers', async () => {
      const answer = await web.call('/livez').catch(() => undefined);
      return answer?.status === 200 ? answer : undefined;
    });
    // It made a decision key in its own folder, and wrote nothing beside the key that was put there.
    const own = exampleKeyFile(dir, 'service/gateway').replace(/\.jwk$/, '-decisions.jwk');
    expect([existsSync(own), existsSync(path.join(dir, 'state', 'keys', path.basename(own)))]).toEqual([
      false,
      true,
    ]);
    const key = await readKeyFile(exampleKeyFile(dir, 'ci/payments'));
    const authorization = `Bearer ${await selfSigned('ci/payments', key, web.base)}`;
    const body = {
      subject: { type: 'ci', id: 'payments' },
      action: { name: 'write' },
      resource: { type: 'warehouse', id: 'payments' },
    };
    const decided = await web.call('/access/v1/evaluation', { body, headers: { authorization } });
    expect(decided).toMatchObject({ status: 200, json: { decision: false } });
    for (const where of ['/access/v1/requests', '/v1/asks', '/v1/execution-tokens', '/v1/awaiting', '/'])
      expect((await web.call(where, { headers: { authorization } })).status).toBe(404);
  }, 60_000);

  test('has to say so: another one is told which address is missing', async () => {
    child?.kill();
    const { said, exited } = await start('decidesOnly: false\n');
    await exited;
    expect(said()).toMatch(/set COUNTERSIGN_CONNECTOR_\w+_URL/);
  }, 60_000);
});
