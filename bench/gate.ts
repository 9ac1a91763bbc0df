import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exampleKeyFile, provideExampleBundle } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';
import { type Stack, startStack } from '../src/stack/up';
import { syncTimes } from './disk';
import { decisionRates } from './gate-decisions';
import { McpClient } from './mcp-client';
import { benchOptions } from './options';
import { median, quantile } from './stats';

/* Measures what `countersign gate` adds to a call that policy permits: the same client calls the same MCP server with and without the
   gate, in turns. `npm run bench:gate`: about four minutes. The ledger is the embedded one of `countersign up`. */

const ROOT = path.resolve(__dirname, '../..');
const EXAMPLE = path.join(ROOT, 'examples/mcp-gate');
const SERVER = path.join(EXAMPLE, 'payments-server.mjs');
const PAID = 'paid 20 EUR to ACME';

const { json, count, only } = benchOptions(
  'bench of the gate',
  {
    rounds: { otherwise: 5, least: 1, most: 100 },
    calls: { otherwise: 400, least: 10, most: 100_000 },
    'memory-calls': { otherwise: 100_000, least: 1_000, most: 10_000_000 },
    'in-flight': { otherwise: 32, least: 1, most: 1_000 },
  },
  ['calls', 'decisions'],
);

interface Side {
  readonly name: string;
  readonly client: McpClient;
  readonly oneByOne: number[];
  readonly now: number[];
  readonly rates: number[];
}

/** One call after the other, as a model makes them. */
async function inARow({ client, oneByOne }: Side): Promise<void> {
  for (let call = 0; call < count('calls'); call += 1) oneByOne.push(await client.pay(PAID));
}

/** A call now and then, as between the thoughts of a model. */
async function nowAndThen({ client, now }: Side): Promise<void> {
  for (let call = 0; call < count('calls') / 10; call += 1) {
    await sleep(50 + Math.random() * 200);
    now.push(await client.pay(PAID));
  }
}

async function together(client: McpClient, calls: number): Promise<number> {
  const startMs = performance.now();
  let left = calls;
  const lane = async () => {
    for (; left > 0; ) {
      left -= 1;
      await client.pay(PAID);
    }
  };
  await Promise.all(Array.from({ length: count('in-flight') }, lane));
  return calls / ((performance.now() - startMs) / 1_000);
}

async function main(): Promise<void> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-gate-'));
  const bundleDir = await provideExampleBundle(stateDir, path.join(EXAMPLE, 'bundle'));
  const figures: Record<string, unknown> = { load: loadavg()[0] };
  try {
    if (only !== 'calls') figures['decisions'] = await decisionRates(bundleDir);
    if (only !== 'decisions') Object.assign(figures, await calls(stateDir, bundleDir));
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : tableOf(figures));
}

async function calls(stateDir: string, bundleDir: string): Promise<Record<string, unknown>> {
  const [temporalPort, targetPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  const stack = await startStack({
    ...{ stateDir, bundleDir, temporalPort, targetPort, httpPort },
    taskQueue: 'countersign',
    announce: (text) => void process.stderr.write(`${text}\n`),
  });
  const env = { ...process.env, PAYMENTS_FILE: '/dev/null' };
  const sides: Side[] = [];
  try {
    const bare = await McpClient.start([SERVER], env);
    const gated = await startGate(stack);
    for (const [name, client] of [
      ['bare', bare],
      ['gate', gated],
    ] as const)
      sides.push({ name, client, oneByOne: [], now: [], rates: [] });
    // The compiler is not what is measured.
    for (const { client } of sides) await together(client, 2_000);
    const disk: number[] = [];
    for (let round = 0; round < count('rounds'); round += 1) {
      for (const side of sides) {
        await inARow(side);
        await nowAndThen(side);
        side.rates.push(await together(side.client, count('calls') * 5));
      }
      disk.push(...(await syncTimes(path.join(stateDir, 'disk'), count('calls'))));
    }
    const memoryMb: number[] = [];
    const heapMb: number[] = [];
    for (let part = 0; part <= 10; part += 1) {
      if (part > 0) await together(gated, count('memory-calls') / 10);
      memoryMb.push(Math.round(gated.memoryMb()));
      heapMb.push(Math.round((await gated.heapMb()) * 10) / 10);
    }
    const loadAtEnd = loadavg()[0];
    const ofSides = Object.fromEntries(sides.map((side) => [side.name, figuresOf(side)]));
    return { ...ofSides, disk: percentilesOf(disk), memoryMb, heapMb, loadAtEnd };
  } finally {
    for (const { client } of sides) await client.stop();
    await stack.stop();
  }
}

async function startGate({ gatewayUrl = '', stateDir, bundleDir }: Stack): Promise<McpClient> {
  const envFile = path.join(stateDir, 'server.env');
  writeFileSync(envFile, 'PAYMENTS_FILE=/dev/null\n');
  const keys = ['--key', exampleKeyFile(stateDir, 'agent/atlas')];
  const executor = ['--executor-key', exampleKeyFile(stateDir, 'service/gate')];
  return McpClient.start(
    [
      ...[path.join(ROOT, 'bin/countersign.js'), 'gate', '--as', 'agent/atlas', ...keys, ...executor],
      ...['--gateway', gatewayUrl, '--bundle', bundleDir, '--server', 'payments', '--env-file', envFile],
      ...['--log-dir', path.join(stateDir, 'gate-log'), '--', process.execPath, SERVER],
    ],
    { ...process.env, COUNTERSIGN_STATE_DIR: stateDir },
    path.join(stateDir, 'heap'),
  );
}

const figuresOf = ({ oneByOne, now, rates }: Side) => ({
  inARow: percentilesOf(oneByOne),
  nowAndThen: percentilesOf(now),
  perSecond: Math.round(median(rates)),
});

function percentilesOf(valuesMs: readonly number[]) {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number) => Math.round(quantile(sorted, share) * 100) / 100;
  return { p50: at(0.5), p99: at(0.99), of: sorted.length };
}

const tableOf = (figures: Record<string, unknown>): string =>
  Object.entries(figures)
    .flatMap(([name, figure]) =>
      typeof figure === 'object' && figure !== null && !Array.isArray(figure)
        ? Object.entries(figure).map(([part, value]) => `${name} ${part}`.padEnd(34) + JSON.stringify(value))
        : [name.padEnd(34) + JSON.stringify(figure)],
    )
    .map((line) => `${line}\n`)
    .join('');

void main();
