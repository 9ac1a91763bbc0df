import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { SignJWT } from 'jose';
import { CountersignClient } from '../src/client';
import { SILENT_LOGGER } from '../src/contracts/logger';
import { CALLER_TYPE } from '../src/contracts/statement';
import { NO_PRECEDENTS } from '../src/domain/precedents';
import { gatewayConfigSchema } from '../src/gateway/config';
import { createGateway } from '../src/gateway/gateway';
import { GatewayKeys } from '../src/gateway/keys';
import { RequestMapping } from '../src/gateway/pdp/mapping';
import { Names } from '../src/gateway/pdp/names';
import { createRoutes } from '../src/gateway/routes';
import { listen } from '../src/gateway/server';
import { assess, createBundleSource, FileTicketSource } from '../src/policy';
import { bearingOf } from '../src/policy/evaluate/bearing';
import { questionOf } from '../src/policy/evaluate/cedar-question';
import { generateKey, readKeyFile } from '../src/signing/keys';
import { exampleKeyFile, provideExampleBundle } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';
import { waitedSeconds } from './http-load';

/* The gateway in a process of its own, so that it has one core; in the very same process a direct Cedar call, and a server
   that answers without reading. */

const QUESTION = {
  subject: { type: 'agent', id: 'atlas' },
  action: { name: 'read' },
  resource: { type: 'warehouse', id: 'reporting' },
};

async function main(): Promise<void> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-gateway-'));
  const bundleDir = await provideExampleBundle(stateDir);
  const bundles = await createBundleSource(bundleDir, {
    tickets: new FileTicketSource(undefined),
    logger: SILENT_LOGGER,
  });
  const attestation = await keyOf(stateDir, 'service/gateway');
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const many = { perSecond: 1_000_000, burst: 1_000_000 };
  const gateway = await createGateway({
    config: gatewayConfigSchema.parse({ publicUrl, limits: { evaluation: many, unauthenticated: many } }),
    publicUrl,
    client: new CountersignClient(new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) })),
    bundles,
    keys: await GatewayKeys.of(attestation, (await generateKey()).privateJwkText),
    tokenUsesUrls: new Map(),
    log: SILENT_LOGGER,
  });
  await listen(createRoutes(gateway), { port, host: '127.0.0.1' });
  const caller = await keyOf(stateDir, 'agent/atlas');
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'agent/atlas', sub: 'agent/atlas', aud: publicUrl, iat, exp: iat + 500 };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: caller.algorithm, typ: CALLER_TYPE, kid: caller.keyId })
    .sign(caller.key);
  const { context } = await bundles.current();
  const asker = { principal: 'agent/atlas', onBehalfOf: [] };

  const direct = (seconds: number): { cedar: number; assessed: number } => {
    const mapping = new RequestMapping(new Names({ subjects: [], resources: [] }), new Set());
    const { request, entry } = mapping.asRequest(context, asker, QUESTION, Date.now());
    if (request === undefined || entry === undefined) throw new Error('the example has changed');
    const bearing = bearingOf(NO_PRECEDENTS, request, entry, context, Date.now());
    const cedar = rateOf(seconds, () =>
      context.engine.ask(questionOf(context.directory, entry, request, bearing, Date.now())),
    );
    const assessed = rateOf(seconds, () => assess(context, request, Date.now()));
    return { cedar, assessed };
  };
  process.on('message', (message) => {
    if (message === 'direct') process.send?.(direct(2));
    if (message === 'cpu') process.send?.(cpuSeconds());
    if (message === 'waited') process.send?.(waitedSeconds());
    if (message === 'stop') process.exit(0);
  });
  process.send?.({ publicUrl, bareUrl: await bareServer(), token });
}

/** Node's own HTTP server without our code. Its latency is what the machine and the generator contribute. */
async function bareServer(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.setHeader('content-type', 'application/json').end('{"decision":true}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Returns the CPU seconds that this process has used so far. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** Measures per CPU second, so that other work on the machine does not count. */
function rateOf(seconds: number, work: () => unknown): number {
  for (let warm = 0; warm < 500; warm += 1) work();
  const started = cpuSeconds();
  let done = 0;
  while (cpuSeconds() - started < seconds) {
    for (let burst = 0; burst < 50; burst += 1) work();
    done += 50;
  }
  return done / (cpuSeconds() - started);
}

async function keyOf(stateDir: string, principal: string) {
  return readKeyFile(exampleKeyFile(stateDir, principal));
}

void main();
