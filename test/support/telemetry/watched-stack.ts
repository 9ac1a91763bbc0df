import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { generateKey, writeKeyFile } from '../../../src/signing/keys';
import { freePort } from '../../../src/stack/free-port';
import { waitForWorker } from '../../../src/stack/worker-ready';
import { Web } from '../../integration/gateway/support/http';
import { selfSigned } from '../../integration/gateway/support/tokens';
import { Harness } from '../harness';
import { eventuallyTrue } from '../harness-wait';
import { OtlpReceiver } from './otlp-receiver';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

/**
 * Worker, gateway and command line as processes of their own, with metrics, traces and the most verbose log, over real
 * servers. Each of their secrets can be searched for, and all their output is kept.
 */
export class WatchedStack {
  readonly #said = new Map<string, string>();
  readonly #programs = new Map<string, Program>();
  /** The secrets that must never appear, by description. */
  readonly secrets = new Map<string, string>();

  private constructor(
    readonly harness: Harness,
    readonly otlp: OtlpReceiver,
    readonly web: Web,
    private readonly ports: {
      readonly worker: number;
      readonly temporal: number;
      readonly gateway: number;
      readonly http: number;
    },
  ) {}

  static async start(): Promise<WatchedStack> {
    const harness = await Harness.start({ worker: false });
    const ports = {
      worker: await freePort(),
      temporal: await freePort(),
      gateway: await freePort(),
      http: await freePort(),
    };
    const web = new Web(`http://127.0.0.1:${ports.http}`);
    const stack = new WatchedStack(harness, await OtlpReceiver.open(), web, ports);
    for (const name of readdirSync(path.join(harness.stateDir, 'keys'))) stack.#keep(`key ${name}`, name);
    await stack.startWorker();
    await stack.startGateway();
    return stack;
  }

  async startWorker(): Promise<void> {
    this.#start('worker', ['worker'], {
      COUNTERSIGN_METRICS_PORT: String(this.ports.worker),
      COUNTERSIGN_TEMPORAL_METRICS_PORT: String(this.ports.temporal),
      COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '1',
      COUNTERSIGN_ARCHIVE: path.join(this.harness.stateDir, 'archive'),
      COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS: '1',
    });
    const place = { address: this.harness.server.address, namespace: 'default', taskQueue: 'countersign' };
    await waitForWorker(place, { timeoutMs: 60_000 });
  }

  async startGateway(): Promise<void> {
    const { stateDir } = this.harness;
    const decisions = path.join(stateDir, 'keys', 'service-gateway-decisions.jwk');
    await writeKeyFile(decisions, (await generateKey()).privateJwkText);
    this.#keep('key of decisions', path.basename(decisions));
    const secretFile = path.join(stateDir, 'webhook.secret');
    writeFileSync(secretFile, `whsec_${this.#secret('webhook secret', randomBytes(24).toString('base64'))}`);
    const callbacks = [
      { prefix: `${this.otlp.url}/`, principals: ['ci/payments'], secretFile, allowInternal: true },
    ];
    const config = path.join(stateDir, 'gateway.yaml');
    writeFileSync(config, stringify({ publicUrl: this.web.base, callbacks }));
    const args = ['gateway', '--port', String(this.ports.http), '--config', config];
    this.#start('gateway', args, { COUNTERSIGN_METRICS_PORT: String(this.ports.gateway) });
    await eventuallyTrue('the gateway answers', async () =>
      this.web.call('/ready').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  }

  /** Stops a program in an orderly way. Returns its exit code. */
  async end(name: 'worker' | 'gateway'): Promise<number | null | undefined> {
    const program = this.#programs.get(name);
    program?.child.kill('SIGTERM');
    this.#programs.delete(name);
    return program?.ended;
  }

  /** Runs a command to its end. */
  async command(...args: readonly string[]): Promise<number | null> {
    const program = this.#start(`command ${args[0]}`, args, {
      COUNTERSIGN_WEBHOOK_TOKEN: this.#mark('webhook token'),
    });
    this.#programs.delete(`command ${args[0]}`);
    return program.ended;
  }

  file(name: string, content: unknown): string {
    const file = path.join(this.harness.stateDir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(content));
    return file;
  }

  /** Returns a token that an identity signs for itself; a secret until it expires. */
  async token(principal: string): Promise<string> {
    const token = await selfSigned(principal, await this.harness.cast.key(principal), this.web.base);
    return this.#secret(`token of ${principal} ${this.secrets.size}`, token);
  }

  async as(
    principal: string,
    address: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const authorization = `Bearer ${await this.token(principal)}`;
    return this.web.call(address, { body, headers: { authorization, ...headers } });
  }

  metricsUrl(name: 'worker' | 'gateway' | 'temporal'): string {
    return `http://127.0.0.1:${this.ports[name]}/metrics`;
  }

  /** All output of the programs, by program. */
  said(): ReadonlyMap<string, string> {
    return this.#said;
  }

  /** Adds a secret that was created during the run to the list. */
  secret(what: string, value: string): void {
    this.#secret(what, value);
  }

  async stop(): Promise<void> {
    for (const { child, ended } of this.#programs.values()) {
      child.kill('SIGKILL');
      await ended;
    }
    this.otlp.close();
    await this.harness.stop();
  }

  #start(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Program {
    const { PATH = '', HOME = '' } = process.env;
    const { harness } = this;
    const child = spawn(process.execPath, [COMMAND, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME,
        TEMPORAL_ADDRESS: harness.server.address,
        COUNTERSIGN_BUNDLE: harness.bundle.dir,
        COUNTERSIGN_STATE_DIR: harness.stateDir,
        COUNTERSIGN_TICKETS: harness.ticketsFile,
        COUNTERSIGN_TRACES_URL: this.otlp.url,
        COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: this.#address('password of the target'),
        COUNTERSIGN_CONNECTOR_CHANGES_URL: this.#address('password of the execution ledger'),
        COUNTERSIGN_LEDGER_URL: this.#address('password of the ledger'),
        COUNTERSIGN_LOG_LEVEL: 'trace',
        ...env,
      },
    });
    const hear = (text: string) => this.#said.set(name, (this.#said.get(name) ?? '') + text);
    hear('');
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    const program = { child, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
    this.#programs.set(name, program);
    return program;
  }

  /** The database needs no password here; the programs do not know that. */
  #address(what: string): string {
    const url = new URL(this.harness.postgres.url);
    url.password = this.#mark(what);
    return url.href;
  }

  #mark(what: string): string {
    return this.secrets.get(what) ?? this.#secret(what, `marked-${randomBytes(12).toString('hex')}`);
  }

  #secret(what: string, value: string): string {
    this.secrets.set(what, value);
    return value;
  }

  /** Returns the private part of a key. */
  #keep(what: string, file: string): void {
    const { d } = JSON.parse(readFileSync(path.join(this.harness.stateDir, 'keys', file), 'utf8'));
    this.#secret(what, String(d));
  }
}
