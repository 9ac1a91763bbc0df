import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SignJWT } from 'jose';
import { CALLER_TYPE } from '../src/contracts/statement';
import { EnforcementPoint, HolderKey } from '../src/enforcement';
import { readKeyFile } from '../src/signing/keys';
import { exampleKeyFile } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';

const WARM = 20;

export interface RequestToToken {
  /** From the evaluation to the denial that a request could change. */
  readonly denialMs: readonly number[];
  /** From the request to its 201: policy has decided, and the ledger has recorded it. */
  readonly approvedMs: readonly number[];
  /** From the request to the execution token that its holder can use. */
  readonly tokenMs: readonly number[];
  /** Requests that were answered with 202 instead of 201. */
  readonly late: number;
}

/** Measures requests that policy alone approves, over HTTP from request to token, one after the other, against `countersign up`. */
export async function requestToToken(count: number): Promise<RequestToToken> {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-bench-up-'));
  const [httpPort, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${httpPort}`;
  const config = path.join(folder, 'gateway.yaml');
  const many = { perSecond: 100_000, burst: 100_000 };
  const limits = { evaluation: many, submission: many, reading: many, redemption: many };
  writeFileSync(config, JSON.stringify({ publicUrl: url, limits }));
  const stateDir = path.join(folder, 'state');
  const program = path.resolve(__dirname, '../../bin/countersign.js');
  const child = spawn(
    process.execPath,
    [
      ...[
        program,
        'up',
        '--state-dir',
        stateDir,
        '--http-port',
        String(httpPort),
        '--gateway-config',
        config,
      ],
      ...['--temporal-port', String(temporalPort), '--ui-port', String(uiPort)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('ready ') && resolve());
      child.once('exit', () => reject(new Error('up ended')));
    });
    return await ask(await pointOf(stateDir, url), count);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ask(point: EnforcementPoint, count: number): Promise<RequestToToken> {
  const [denialMs, approvedMs, tokenMs]: [number[], number[], number[]] = [[], [], []];
  let late = 0;
  for (let done = 0; done < count + WARM; done += 1) {
    const evaluation = {
      subject: { type: 'ci', id: 'payments' },
      action: { name: 'inspect', properties: { tool: 'fleet', arguments: { node: `node-${done}` } } },
      resource: { type: 'changes', id: 'compute-fleet' },
    };
    const startMs = performance.now();
    const denial = await point.evaluate(evaluation);
    const deniedAtMs = performance.now();
    const task = await point.request(evaluation, denial, {
      context: {
        business_justification: 'bench',
        'urn:countersign:containment': 'none',
        'urn:countersign:rollback': 'none',
      },
      requestedAccess: { requested_until: new Date(Date.now() + 300_000).toISOString() },
    });
    const approvedAtMs = performance.now();
    if (task.task.status !== 'approved') {
      late += 1;
      continue;
    }
    await point.executionToken(task);
    if (done < WARM) continue;
    denialMs.push(deniedAtMs - startMs);
    approvedMs.push(approvedAtMs - deniedAtMs);
    tokenMs.push(performance.now() - deniedAtMs);
  }
  return { denialMs, approvedMs, tokenMs, late };
}

async function pointOf(stateDir: string, url: string): Promise<EnforcementPoint> {
  const { key, keyId, algorithm } = await readKeyFile(exampleKeyFile(stateDir, 'ci/payments'));
  return new EnforcementPoint({
    decisionPoint: url,
    holderKey: await HolderKey.make(),
    accessToken: () => {
      const iat = Math.floor(Date.now() / 1_000);
      return new SignJWT({ iss: 'ci/payments', sub: 'ci/payments', aud: url, iat, exp: iat + 60 })
        .setProtectedHeader({ alg: algorithm, typ: CALLER_TYPE, kid: keyId })
        .sign(key);
    },
  });
}
