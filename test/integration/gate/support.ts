import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readKeyFile } from '../../../src/signing/keys';
import { signStatement } from '../../../src/signing/sign';
import { exampleKeyFile, provideExampleBundle } from '../../../src/stack/example-bundle';
import { freePort } from '../../../src/stack/free-port';
import { fileOfRecord } from '../../../src/stack/stack-record';
import { eventually } from '../../support/harness-wait';
import { type Answer, Web } from '../gateway/support/http';
import { selfSigned } from '../gateway/support/tokens';

const ROOT = path.resolve(__dirname, '../../..');
const COMMAND = path.join(ROOT, 'bin/countersign.js');
export const PAYMENTS = [process.execPath, path.join(ROOT, 'examples/mcp-gate/payments-server.mjs')];

const recordSchema = z.object({ processes: z.record(z.string(), z.object({ pid: z.number() })) });

/** `countersign up` over the bundle of the example, with a key for everyone in it. */
export class GateStack {
  readonly web: Web;
  readonly bundle: string;

  private constructor(
    readonly url: string,
    readonly stateDir: string,
    readonly root: string,
    private readonly child: ChildProcess,
  ) {
    this.web = new Web(url);
    this.bundle = path.join(stateDir, 'bundle');
  }

  /** @param configure returns what stands in `gateway.yaml`, and the files that it names */
  static async start(
    configure?: (place: { readonly root: string; readonly url: string }) => {
      readonly gate?: object;
      /** Where everybody calls the gateway, if it is not its own address. */
      readonly publicUrl?: string;
      readonly issuers?: readonly object[];
      readonly limits?: object;
      readonly files?: Readonly<Record<string, string>>;
    },
  ): Promise<GateStack> {
    const root = mkdtempSync(path.join(tmpdir(), 'countersign-gate-'));
    const stateDir = path.join(root, 'state');
    await provideExampleBundle(stateDir, path.join(ROOT, 'examples/mcp-gate/bundle'));
    const [http, temporal, ui] = [await freePort(), await freePort(), await freePort()];
    const args = ['up', '--state-dir', stateDir, '--bundle', path.join(stateDir, 'bundle')];
    let address = `http://127.0.0.1:${http}`;
    const ports = ['--http-port', String(http), '--temporal-port', String(temporal), '--ui-port', String(ui)];
    if (configure !== undefined) {
      const { files = {}, ...config } = configure({ root, url: address });
      address = config.publicUrl ?? address;
      writeFileSync(path.join(root, 'gateway.yaml'), JSON.stringify(config));
      for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text);
      args.push('--gateway-config', path.join(root, 'gateway.yaml'));
    }
    const child = spawn(process.execPath, [COMMAND, ...args, ...ports], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('ready ') && resolve());
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    return new GateStack(address, stateDir, root, child);
  }

  /** What an agent's configuration has after `node` to start the gate before a server. */
  gateArguments(
    server: string,
    dir: string,
    command: readonly string[],
    more: readonly string[] = [],
  ): readonly string[] {
    return [
      ...[COMMAND, 'gate', '--as', 'agent/atlas', '--key', this.keyFile('agent/atlas'), '--server', server],
      ...['--executor-as', 'service/gate', '--executor-key', this.keyFile('service/gate')],
      ...['--gateway', this.url, '--bundle', this.bundle, '--log-dir', path.join(dir, 'log')],
      ...['--wait', '1s', ...more, '--', ...command],
    ];
  }

  keyFile(principal: string): string {
    return exampleKeyFile(this.stateDir, principal);
  }

  async as(person: string, address: string, body?: unknown): Promise<Answer> {
    const token = await selfSigned(person, await readKeyFile(this.keyFile(person)), this.url);
    return this.web.call(address, { body, headers: { authorization: `Bearer ${token}` } });
  }

  /** What a person sees of a request before they sign. */
  async seen(person: string, request: string) {
    return eventually('a request that can be signed', async () => {
      const seen = await this.as(person, `/v1/requests/${request}`);
      return seen.status === 200 && seen.json.stage !== undefined ? seen.json : undefined;
    });
  }

  async sign(person: string, request: string, verb: 'approve' | 'deny' = 'approve'): Promise<void> {
    const { digest, revision, stage } = await this.seen(person, request);
    const about = verb === 'approve' ? { stage } : { reasonCode: 'not-now' };
    const statement = await signStatement(
      { verb, request, digest, revision, ...about },
      person,
      await readKeyFile(this.keyFile(person)),
      { nowMs: Date.now(), lifeMs: 3_600_000 },
    );
    // A worker that is being restarted may take a statement without an answer. Sent again, it is then a repetition.
    let isRepeated = false;
    const answer = await eventually('an answer to a statement', async () => {
      const said = await this.as(person, `/v1/requests/${request}/statements`, statement);
      isRepeated ||= said.status === 503;
      return said.status === 503 ? undefined : said.json;
    });
    if (answer.accepted !== true) expect(isRepeated).toBe(true);
  }

  /** Kills one program of the stack, such as the worker. The stack starts it again. */
  kill(program: string): void {
    const { processes } = recordSchema.parse(JSON.parse(readFileSync(fileOfRecord(this.stateDir), 'utf8')));
    const pid = processes[program]?.pid;
    if (pid === undefined) throw new Error(`no ${program} in ${Object.keys(processes).join(', ')}`);
    process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    rmSync(this.root, { recursive: true, force: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of a server, of which a test asks what it needs
type Said = any;

export interface GateOptions {
  readonly server?: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly more?: readonly string[];
  /** Variables of the gate itself. */
  readonly gateEnv?: Readonly<Record<string, string>>;
}

/** What a server that writes into this file has really done. */
export const paidIn = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

/** A gate as an agent starts it, and a client that writes and reads raw lines. */
export class Gate {
  /** Every line that the gate has written. */
  readonly lines: string[] = [];
  readonly #waiting = new Map<unknown, (said: Said) => void>();
  readonly logDir: string;
  stderr = '';
  #ids = 0;

  private constructor(
    readonly child: ChildProcess,
    readonly dir: string,
    private readonly paidFile: string,
  ) {
    this.logDir = path.join(dir, 'log');
    // Every answer that is waited for listens for the end of the gate.
    child.setMaxListeners(0);
    // A gate that was killed reads nothing any more.
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    if (child.stdout === null) throw new Error('the gate has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      const said = JSON.parse(line);
      if (said.method !== undefined) return;
      this.#waiting.get(said.id)?.(said);
      this.#waiting.delete(said.id);
    });
  }

  static async start(stack: GateStack, options: GateOptions = {}): Promise<Gate> {
    const dir = mkdtempSync(path.join(stack.root, 'gate-'));
    const { server = 'payments', command = PAYMENTS, env = {}, more = [], gateEnv = {} } = options;
    const envFile = path.join(dir, 'server.env');
    const variables = { ...env, PAYMENTS_FILE: env['PAYMENTS_FILE'] ?? path.join(dir, 'paid.txt') };
    writeFileSync(
      envFile,
      Object.entries(variables)
        .map(([name, value]) => `${name}='${value}'`)
        .join('\n'),
    );
    const args = stack.gateArguments(server, dir, command, ['--env-file', envFile, ...more]);
    const child = spawn(process.execPath, args, {
      cwd: dir,
      env: {
        ...process.env,
        COUNTERSIGN_STATE_DIR: stack.stateDir,
        COUNTERSIGN_LOG_LEVEL: 'warn',
        ...gateEnv,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const gate = new Gate(child, dir, variables.PAYMENTS_FILE);
    const hello = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    };
    await gate.ask('initialize', hello);
    gate.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
    return gate;
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Waits for the answer with an id. */
  answer(id: unknown): Promise<Said> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, resolve);
      this.child.once('exit', (code) => reject(new Error(`the gate ended with ${code}: ${this.stderr}`)));
    });
  }

  ask(method: string, params: unknown, id: unknown = this.nextId()): Promise<Said> {
    const answer = this.answer(id);
    this.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return answer;
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Calls a tool. Returns the result, with the code of the gate's answer if the gate gave it. */
  async call(name: string, given: unknown, more: object = {}): Promise<Said> {
    const { result, error } = await this.ask('tools/call', { name, arguments: given, ...more });
    if (error !== undefined) return { error };
    return { ...result, ...result._meta?.['io.countersign/answer'], text: result.content?.[0]?.text };
  }

  pay(amount: unknown, more: object = {}): Promise<Said> {
    return this.call('send_payment', { to: 'ACME', amount, currency: 'EUR', ...more });
  }

  /** What the server has really done. */
  paid(): readonly string[] {
    return paidIn(this.paidFile);
  }

  /** Kills the server behind the gate, if it is the hostile one. */
  killServer(): void {
    process.kill(Number(readFileSync(`${this.paidFile}.pid`, 'utf8')), 'SIGKILL');
  }

  async stop(signal?: NodeJS.Signals): Promise<number | null> {
    // One that a signal ended has no exit code.
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    if (signal === undefined) this.child.stdin?.end();
    else this.child.kill(signal);
    await exited;
    return this.child.exitCode;
  }
}
