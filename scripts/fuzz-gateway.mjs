// Sends generated requests, well-formed and malformed, to a running gateway, by its own OpenAPI document. It fails if one
// is answered with a 5xx. Real requests are made first, so that their ids lead to what lies behind "unknown". Needs Python:
// schemathesis is installed into the project's cache, once.
// Usage: npm run build && node scripts/fuzz-gateway.mjs [examples for each operation, 60 by default: two minutes or three]
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { importJWK, SignJWT } from 'jose';

const require = createRequire(import.meta.url);
const root = path.resolve(import.meta.dirname, '..');
const { freePort } = require(path.join(root, 'dist/src/stack/free-port.js'));
const examples = process.argv[2] ?? '60';

const venv = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'),
  'countersign/schemathesis-venv',
);
const program = path.join(venv, 'bin/schemathesis');
if (!existsSync(program)) {
  process.stderr.write('installing schemathesis into the cache\n');
  execFileSync('python3', ['-m', 'venv', venv]);
  execFileSync(path.join(venv, 'bin/pip'), ['install', '-q', 'schemathesis'], { stdio: 'inherit' });
}

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-fuzz-'));
const [http, temporal, ui] = [await freePort(), await freePort(), await freePort()];
const url = `http://127.0.0.1:${http}`;
const config = path.join(folder, 'gateway.yaml');
const many = { perSecond: 100000, burst: 100000 };
const limits = Object.fromEntries(
  ['evaluation', 'submission', 'reading', 'redemption', 'unauthenticated'].map((name) => [name, many]),
);
writeFileSync(config, JSON.stringify({ publicUrl: url, limits, enforcementPoints: ['ci/payments'] }));
const state = path.join(folder, 'state');
const up = spawn(
  process.execPath,
  [
    ...[path.join(root, 'bin/countersign.js'), 'up', '--state-dir', state, '--http-port', String(http)],
    ...['--temporal-port', String(temporal), '--ui-port', String(ui), '--gateway-config', config],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  await new Promise((resolve, reject) => {
    up.stdout.on('data', (chunk) => chunk.toString().includes('ready ') && resolve());
    up.once('exit', () => reject(new Error('up ended')));
  });
  const { kid, token } = await tokenFor('ci/payments');
  const ids = [...(await realRequests(token)), 'access', 'execution', 'emergency'];
  const settings = path.join(folder, 'schemathesis.toml');
  const from = '{ dictionary = "ids", probability = 0.6 }';
  writeFileSync(
    settings,
    `[parameters]\n"path.id" = ${from}\n"body.request" = ${from}\n[dictionaries.ids]\nvalues = ${JSON.stringify(ids)}\n`,
  );
  process.stdout.write(`fuzzing ${url} as ci/payments (key ${kid})\n`);
  const { status } = spawnSync(
    program,
    [
      ...[
        '--config-file',
        settings,
        'run',
        `${url}/openapi.json`,
        '--url',
        url,
        '-H',
        `Authorization: Bearer ${token}`,
      ],
      ...[
        '--checks',
        'not_a_server_error',
        '--max-examples',
        examples,
        '--phases',
        'examples,coverage,fuzzing',
      ],
      ...['--request-timeout', '40', '--suppress-health-check', 'all'],
    ],
    { stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} finally {
  up.kill('SIGTERM');
  if (up.exitCode === null) await once(up, 'exit');
  const log = path.join(state, 'logs/gateway.log');
  if (existsSync(log)) {
    const failed = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('request failed'));
    for (const line of failed.slice(0, 20)) process.stdout.write(`${line}\n`);
    if (failed.length > 0) process.exitCode = 1;
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Returns the ids of a request that waits for people and of an execution that policy alone permitted. */
async function realRequests(token) {
  const { EnforcementPoint, HolderKey } = require(path.join(root, 'dist/src/enforcement/index.js'));
  const holderKey = await HolderKey.make();
  const point = new EnforcementPoint({ decisionPoint: url, accessToken: async () => token, holderKey });
  const made = [];
  for (const [action, type, id] of [
    ['write', 'warehouse', 'payments'],
    ['inspect', 'changes', 'compute-fleet'],
  ]) {
    const evaluation = {
      subject: { type: 'ci', id: 'payments' },
      action: { name: action },
      resource: { type, id },
    };
    const context = {
      business_justification: 'fuzzing',
      'urn:countersign:containment': 'none',
      'urn:countersign:rollback': 'none',
    };
    const requested_until = new Date(Date.now() + 600_000).toISOString();
    const additions = { context, requestedAccess: { requested_until } };
    made.push((await point.request(evaluation, await point.evaluate(evaluation), additions)).task.id);
  }
  return made;
}

/** A token that the identity signs for itself; it lives ten minutes. */
async function tokenFor(principal) {
  const jwk = JSON.parse(
    readFileSync(path.join(state, 'keys', `${principal.replace('/', '-')}.jwk`), 'utf8'),
  );
  const { keyId } = (
    await require(path.join(root, 'dist/src/signing/keys.js')).importSigningKey(JSON.stringify(jwk), 'key')
  ).key;
  const iat = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ iss: principal, sub: principal, aud: url, iat, exp: iat + 590 })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'countersign-caller+jwt', kid: keyId })
    .sign(await importJWK(jwk, 'EdDSA'));
  return { kid: keyId, token };
}
