import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SignJWT } from 'jose';
import { CALLER_TYPE } from '../src/contracts/statement';
import { EnforcementPoint, HolderKey } from '../src/enforcement';
import { readKeyFile } from '../src/signing/keys';
import { exampleKeyFile } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';

/* How fast the gateway decides, beside a direct Cedar call in the same process; and how long policy alone takes from
   request to execution token over HTTP, through a real workflow. `node dist/bench/gateway.js` */

const QUESTION = JSON.stringify({
  subject: { type: 'agent', id: 'atlas' },
  action: { name: 'read' },
  resource: { type: 'warehouse', id: 'reporting' },
});
const SECONDS = 5;

interface Side {
  readonly publicUrl: string;
  readonly token: string;
}

async function decisions(): Promise<void> {
  const child = fork(path.join(__dirname, 'gateway-side.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [side] = (await once(child, 'message')) as [Side];
  child.send('direct');
  const [direct] = (await once(child, 'message')) as [{ cedar: number; assessed: number }];
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const ask = () => post(agent, side);
  // By count, not by time: on a busy machine a second is soon over, and what is measured would be the compiler.
  for (let warm = 0; warm < 8_000; warm += 16) await Promise.all(Array.from({ length: 16 }, ask));
  const cpu = async (): Promise<number> => {
    child.send('cpu');
    return ((await once(child, 'message')) as [number])[0];
  };
  const before = await cpu();
  const full = await closedLoop(ask, 32, SECONDS);
  const perCore = full.latenciesMs.length / ((await cpu()) - before);
  const half = await openLoop(ask, full.rate / 2, SECONDS);
  child.send('stop');
  agent.destroy();
  line('direct Cedar call', `${direct.cedar.toFixed(0)} per second of one core`);
  line('whole assessment, in process', `${direct.assessed.toFixed(0)} per second of one core`);
  line('evaluation over HTTP', `${perCore.toFixed(0)} per second of one core`);
  line(
    'evaluation over HTTP, at full load',
    `${full.rate.toFixed(0)}/s, p50 ${ms(full, 0.5)}, p99 ${ms(full, 0.99)}`,
  );
  line('share of the direct call', (perCore / direct.cedar).toFixed(2));
  line('evaluation over HTTP, at half load', `p50 ${ms(half, 0.5)}, p99 ${ms(half, 0.99)}`);
}

interface Measured {
  readonly rate: number;
  readonly latenciesMs: readonly number[];
}

/** So many at a time, each as soon as one is answered. */
async function closedLoop(ask: () => Promise<void>, width: number, seconds: number): Promise<Measured> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1_000;
  const lane = async () => {
    while (performance.now() < untilMs) {
      const sentMs = performance.now();
      await ask();
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return { rate: latenciesMs.length / ((performance.now() - startMs) / 1_000), latenciesMs };
}

/** At a rate of its own, whatever becomes of earlier ones; a latency begins when it should have been sent. */
async function openLoop(ask: () => Promise<void>, rate: number, seconds: number): Promise<Measured> {
  const latenciesMs: number[] = [];
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  const total = Math.floor(rate * seconds);
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1_000) * rate));
    for (; sent < due; sent += 1) {
      const dueMs = startMs + (sent / rate) * 1_000;
      pending.push(ask().then(() => void latenciesMs.push(performance.now() - dueMs)));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(pending);
  return { rate, latenciesMs };
}

const ms = ({ latenciesMs }: Measured, share: number): string => {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return `${(sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)} ms`;
};

function post(agent: Agent, { publicUrl, token }: Side): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${publicUrl}/access/v1/evaluation`,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': QUESTION.length,
        },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          text.startsWith('{"decision":true')
            ? resolve()
            : reject(new Error(`${response.statusCode} ${text}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(QUESTION);
  });
}

/** From a request that policy alone lets through to the token of its execution, one after the other. */
async function requestToToken(count: number): Promise<void> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-up-'));
  const [httpPort, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()];
  const program = path.resolve(__dirname, '../../bin/countersign.js');
  const child = spawn(
    process.execPath,
    [
      ...[program, 'up', '--state-dir', stateDir, '--http-port', String(httpPort)],
      ...['--temporal-port', String(temporalPort), '--ui-port', String(uiPort)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('ready ') && resolve());
      child.once('exit', () => reject(new Error('up ended')));
    });
    const url = `http://127.0.0.1:${httpPort}`;
    const read = await readKeyFile(exampleKeyFile(stateDir, 'ci/payments'));
    if (!read.ok) throw new Error(read.message);
    const { key, keyId, algorithm } = read.key;
    const point = new EnforcementPoint({
      decisionPoint: url,
      holderKey: await HolderKey.make(),
      accessToken: () => {
        const iat = Math.floor(Date.now() / 1_000);
        return new SignJWT({ iss: 'ci/payments', sub: 'ci/payments', aud: url, iat, exp: iat + 60 })
          .setProtectedHeader({ alg: algorithm, typ: CALLER_TYPE, kid: keyId })
          .sign(key);
      },
    });
    const latenciesMs: number[] = [];
    for (let done = 0; done < count; done += 1) {
      const evaluation = {
        subject: { type: 'ci', id: 'payments' },
        action: { name: 'inspect', properties: { tool: 'fleet', arguments: { node: `node-${done}` } } },
        resource: { type: 'changes', id: 'compute-fleet' },
      };
      const startMs = performance.now();
      const denial = await point.evaluate(evaluation);
      const task = await point.request(evaluation, denial, {
        context: {
          business_justification: 'bench',
          'urn:countersign:containment': 'none',
          'urn:countersign:rollback': 'none',
        },
        requestedAccess: { requested_until: new Date(Date.now() + 300_000).toISOString() },
      });
      await point.executionToken(task);
      if (done >= 5) latenciesMs.push(performance.now() - startMs);
    }
    const measured = { rate: 0, latenciesMs };
    line('policy alone, question to token', `p50 ${ms(measured, 0.5)}, p99 ${ms(measured, 0.99)}`);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const line = (what: string, figure: string): void =>
  void process.stdout.write(`${what.padEnd(38)} ${figure}\n`);

void (async () => {
  await decisions();
  await requestToToken(45);
})();
