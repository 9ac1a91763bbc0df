import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { EnforcementPoint, HolderKey } from '../../../../src/enforcement';
import { readKeyFile, type SigningKey } from '../../../../src/signing/keys';
import { signStatement } from '../../../../src/signing/sign';
import { exampleKeyFile } from '../../../../src/stack/example-bundle';
import { freePort } from '../../../../src/stack/free-port';
import { eventually } from '../../../support/harness-wait';
import { type Answer, Web } from './http';
import { Issuer } from './issuer';
import { selfSigned } from './tokens';

const COMMAND = path.resolve(__dirname, '../../../../bin/countersign.js');

/** Clients of the issuer, and who they are. */
const CLIENTS: Readonly<Record<string, string>> = {
  'payments-pipeline': 'ci/payments',
  'release-bot': 'bot/deployer',
  atlas: 'agent/atlas',
  runner: 'service/runner',
  migrator: 'service/migrator',
};

/** `countersign up` with its gateway, as a user starts it, beside a real OpenID provider. */
export class UpStack {
  readonly web: Web;

  private constructor(
    readonly url: string,
    readonly issuer: Issuer,
    readonly stateDir: string,
    readonly targetUrl: string,
    private readonly root: string,
    private readonly child: ChildProcess,
  ) {
    this.web = new Web(url);
  }

  /** @param below the path under which the gateway is reached, such as `/gw` */
  static async start(config: Readonly<Record<string, unknown>> = {}, below = ''): Promise<UpStack> {
    const root = mkdtempSync(path.join(tmpdir(), 'countersign-stories-'));
    const stateDir = path.join(root, 'state');
    const [httpPort, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${httpPort}${below}`;
    const issuer = await Issuer.start(url, Object.keys(CLIENTS));
    const file = path.join(root, 'gateway.yaml');
    const identities = Object.entries(CLIENTS).map(([sub, principal]) => ({ principal, claims: { sub } }));
    const issuers = [
      { kind: 'oauth', issuer: issuer.url, jwksUri: `${issuer.url}/jwks`, audience: url, identities },
    ];
    writeFileSync(file, stringify({ publicUrl: url, issuers, ...config }));
    const child = spawn(
      process.execPath,
      [
        ...[COMMAND, 'up', '--state-dir', stateDir, '--http-port', String(httpPort)],
        ...['--temporal-port', String(temporalPort), '--ui-port', String(uiPort), '--gateway-config', file],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const ready = await new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout?.on('data', (chunk) => {
        out += chunk;
        const line = out.split('\n').find((text) => text.startsWith('ready '));
        if (line !== undefined) resolve(line);
      });
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    const target = /target=(\S+)/.exec(ready)?.[1] ?? '';
    return new UpStack(url, issuer, stateDir, target, root, child);
  }

  /** An enforcement point that calls as a client of the issuer, with a key of its own that its tokens are bound to. */
  async enforcementPoint(client: string): Promise<EnforcementPoint> {
    const holderKey = await HolderKey.make();
    return new EnforcementPoint({
      decisionPoint: this.url,
      accessToken: () => this.issuer.token(client, holderKey),
      holderKey,
      boundAccessToken: true,
    });
  }

  async key(person: string): Promise<SigningKey> {
    return readKeyFile(exampleKeyFile(this.stateDir, person));
  }

  /** A call as a person, who signs a token with their registered key. */
  async as(person: string, address: string, body?: unknown): Promise<Answer> {
    const token = await selfSigned(person, await this.key(person), this.url);
    return this.web.call(address, { body, headers: { authorization: `Bearer ${token}` } });
  }

  /** Reads what awaits them, looks at it, signs, and posts the statement: all over HTTP. */
  async sign(person: string, requestId: string, verb: 'approve' | 'deny' | 'cancel'): Promise<Answer> {
    // Until it is assessed there is no path, so it is nobody's yet and its revision will be another.
    const { digest, revision, stage } = await eventually('a request that can be signed', async () => {
      const seen = await this.as(person, `/v1/requests/${requestId}`);
      return seen.status === 200 && seen.json.stage !== undefined ? seen.json : undefined;
    });
    const why = verb === 'deny' ? { reasonCode: 'not-now' } : {};
    const draft = {
      verb,
      request: requestId,
      digest,
      revision,
      ...(verb === 'approve' && { stage }),
      ...why,
    };
    const statement = await signStatement(draft, person, await this.key(person), {
      nowMs: Date.now(),
      lifeMs: 3_600_000,
    });
    return this.as(person, `/v1/requests/${requestId}/statements`, statement);
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.targetUrl });
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Where an account logs in to the embedded target, which asks for no password. */
  targetUrlFor(account: string): string {
    return this.targetUrl.replace('//postgres@', `//${account}@`);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    await this.issuer.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
