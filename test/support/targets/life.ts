import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { addressVariable, settingVariable, targetVariable } from '../../../src/connectors/settings';
import { exampleKeyFile } from '../../../src/stack/example-bundle';
import { freePort } from '../../../src/stack/free-port';
import { Harness } from '../harness';
import { eventually, eventuallyTrue } from '../harness-wait';
import type { ChangeProxy } from './change-proxy';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const HOLDER = 'ci/payments';
const APPROVER = 'person/mira';

/** A connector of the same target that is set up wrongly. */
export interface Misfit {
  /** Settings in place of the right ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What the catalog says in place of what the target has. */
  readonly grant?: Readonly<Record<string, string>>;
  /** What the request is told. */
  readonly says: RegExp;
  /** What `connector check` and `doctor` say, if it differs. Null if they cannot know. */
  readonly checkSays?: RegExp | null;
}

/** A target on which a request is to live, with what the catalog and the worker have to know of it. */
export interface Counterpart {
  readonly kind: string;
  /** Settings of its connector, by their names in the definition. */
  readonly settings: Readonly<Record<string, string>>;
  /** The account of the holder. */
  readonly account: string;
  readonly grant: Readonly<Record<string, string>>;
  /** Where the holder reaches it, for `countersign run`. */
  readonly address?: string;
  /** A shell command that succeeds if it uses the access. Absent if nothing leads a command to this kind of target. */
  readonly command?: string;
  /** Variables that the worker and the gateway find besides the settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** The database of the leases. The one of the ledger if absent. */
  readonly leases?: string;
  /** Tries the access on the target itself, past all of our programs. */
  works(gateway: string): Promise<boolean>;
  /** What stands between the worker and the target. */
  readonly proxy: Pick<ChangeProxy, 'nextChange' | 'held'>;
  /** Makes the target unreachable without losing anything, and brings it back. */
  readonly outage: { halt(): Promise<void>; restart(): Promise<void> };
  /** Somebody else, who is given the same access by hand. */
  readonly other: {
    readonly account: string;
    give(): Promise<void>;
    holds(): Promise<boolean>;
    take(): Promise<void>;
  };
}

/** What a program has printed, and when it ends. */
export interface Program {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

export const CONNECTOR = 'target-under-test';
/** Starting takes seconds, and minutes on a busy machine. */
const READY_WITHIN_MS = 180_000;
/** Commands that read the settings of connectors. */
const OPERATORS = ['worker', 'gateway', 'doctor', 'connector'];

/**
 * All of Countersign as programs, as an operator starts them: worker, gateway and the command line, with a Temporal server and a
 * PostgreSQL server, and a catalog in which one entitlement is on the target under test.
 */
export class Life {
  #worker: Program | undefined;
  #gateway: Program | undefined;
  readonly #started: Program[] = [];

  private constructor(
    readonly harness: Harness,
    private readonly counterpart: Counterpart,
    private readonly misfits: Readonly<Record<string, Misfit>>,
    private readonly port: number,
  ) {}

  /** @param misfits connectors of the same target that are set up wrongly, by name */
  static async start(counterpart: Counterpart, misfits: Readonly<Record<string, Misfit>>): Promise<Life> {
    const harness = await Harness.start({ worker: false });
    for (const [name, grant] of [
      [CONNECTOR, counterpart.grant] as const,
      ...Object.entries(misfits).map(([one, { grant = counterpart.grant }]) => [one, grant] as const),
    ])
      declare(harness, name, counterpart, grant);
    const life = new Life(harness, counterpart, misfits, await freePort());
    try {
      await life.startWorker();
      life.#gateway = life.#start(['gateway', '--port', String(life.port)]);
      await life.#ready(life.#gateway, 'gateway ready');
      return life;
    } catch (error) {
      await life.stop();
      throw error;
    }
  }

  get gateway(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Asks for the access by a connector for as long as a shell command runs. */
  run(command: string, duration: string, connector = CONNECTOR): Program {
    const key = exampleKeyFile(this.harness.stateDir, HOLDER);
    const who = ['--as', HOLDER, '--key', key, '--gateway', this.gateway];
    const what = ['--entitlement', `${connector}:payments#write`, '--for', duration, '--reason', 'a test'];
    const { address } = this.counterpart;
    return this.#start(['run', ...who, ...what, '--', 'sh', '-c', command], {
      ...(address !== undefined && { [targetVariable(connector)]: address }),
    });
  }

  /** Runs a command as an operator does where the worker runs. Returns its exit code and the lines that begin with FAIL. */
  async diagnose(...args: readonly ['doctor'] | readonly ['connector', 'check', string]) {
    const { exit, said } = this.#start(args);
    const code = await exit;
    return { code, wrong: said.out.split('\n').filter((line) => line.startsWith('FAIL')) };
  }

  /** The id of the request that a run has submitted. */
  idOf({ said }: Program): Promise<string> {
    return eventually(
      `an id in ${said.err}`,
      async () => /asked for .*: ([\w-]+)$/m.exec(said.err)?.[1],
      READY_WITHIN_MS,
    );
  }

  /** Says a word about a request, as a lead of payments. */
  async say(verb: 'approve' | 'revoke', id: string): Promise<void> {
    const key = exampleKeyFile(this.harness.stateDir, APPROVER);
    const args = [verb, id, '--as', APPROVER, '--key', key, '--gateway', this.gateway, '--yes'];
    await eventuallyTrue(
      `${verb} is answered`,
      async () => {
        const program = this.#start(args);
        if ((await program.exit) === 0) return true;
        // The server notices only after a while that a worker was killed. What was said may have arrived all the same.
        if (program.said.err.includes('NOT_ANSWERING')) return false;
        if (verb === 'revoke' && program.said.err.includes('NOT_NOW')) return true;
        throw new Error(`${verb}: ${program.said.err}`);
      },
      READY_WITHIN_MS,
    );
  }

  /** Approves a run once it waits. Returns the id of its request. */
  async approve(run: Program): Promise<string> {
    const id = await this.idOf(run);
    await eventuallyTrue(
      `it waits for an approver: ${run.said.err}`,
      async () => run.said.err.includes('missing: person/mira'),
      READY_WITHIN_MS,
    );
    await this.say('approve', id);
    return id;
  }

  works(): Promise<boolean> {
    return this.counterpart.works(this.gateway);
  }

  /** Waits until the worker reports that an account has access without a lease. */
  async hasReported(account: string): Promise<void> {
    const parts = ['access without a lease', CONNECTOR, account].map((part) => JSON.stringify(part));
    await eventuallyTrue(
      `drift of ${account} is reported`,
      async () => {
        const { out = '', err = '' } = this.#worker?.said ?? {};
        return `${out}${err}`.split('\n').some((line) => parts.every((part) => line.includes(part)));
      },
      READY_WITHIN_MS,
    );
  }

  async startWorker(): Promise<void> {
    this.#worker = this.#start(['worker']);
    await this.#ready(this.#worker, 'reconciler started');
  }

  /** Kills the worker without warning. */
  async killWorker(): Promise<void> {
    await kill(this.#worker);
  }

  async stop(): Promise<void> {
    await Promise.all([kill(this.#worker), kill(this.#gateway)]);
    for (const { child } of this.#started) leave(child);
    await this.harness.stop();
  }

  #wrongSettings() {
    return Object.entries(this.misfits).map(([name, { settings = {} }]) => [name, settings] as const);
  }

  async #ready({ said, child }: Program, line: string): Promise<void> {
    await eventuallyTrue(
      line,
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${said.out}${said.err}`);
        return said.out.includes(line) || said.err.includes(line);
      },
      READY_WITHIN_MS,
    );
  }

  #start(args: readonly string[], more: Readonly<Record<string, string>> = {}): Program {
    const { server, postgres, stateDir, bundle, ticketsFile } = this.harness;
    const { PATH = '', HOME = '' } = process.env;
    const { settings, env, leases = postgres.url } = this.counterpart;
    const own = [[CONNECTOR, {}] as const, ...this.#wrongSettings()].flatMap(([connector, wrong]) =>
      Object.entries({ ...settings, ...wrong }).map(([name, value]) => [
        settingVariable(connector, name),
        value,
      ]),
    );
    const isOperators = OPERATORS.includes(args[0] ?? '');
    const child = spawn(process.execPath, [COMMAND, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...{ PATH, HOME, COUNTERSIGN_STATE_DIR: stateDir },
        ...(isOperators && {
          ...{ TEMPORAL_ADDRESS: server.address, COUNTERSIGN_BUNDLE: bundle.dir },
          ...{ COUNTERSIGN_TICKETS: ticketsFile, COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '1' },
          [addressVariable('warehouse')]: postgres.url,
          [addressVariable('changes')]: postgres.url,
          ...{ COUNTERSIGN_LEDGER_URL: postgres.url, COUNTERSIGN_LEASES_URL: leases },
          ...Object.fromEntries(own),
          ...env,
        }),
        ...more,
      },
    });
    const said = { out: '', err: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const program = {
      child,
      said,
      exit: new Promise<number | null>((resolve) => child.once('close', resolve)),
    };
    this.#started.push(program);
    return program;
  }
}

/** Puts a connector with one entitlement into the bundle. */
function declare(
  { bundle }: Harness,
  connector: string,
  { kind, account }: Counterpart,
  grant: Counterpart['grant'],
): void {
  const catalog = (where: readonly string[], value: unknown) => bundle.set('catalog.yaml', where, value);
  catalog(['connectors', connector], { kind, title: `The target under test (${connector})` });
  catalog(['resources', `${connector}:payments`], {
    title: 'Production of the payments service',
    owners: 'payments-leads',
    tags: ['production'],
    actions: { write: { title: 'Change it', grant } },
  });
  bundle.set('directory.yaml', ['identities', HOLDER, 'accounts', connector], account);
}

/** Lets a command that a failed test left running end without this process. */
function leave(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  child.unref();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

async function kill(program: Program | undefined): Promise<void> {
  program?.child.kill('SIGKILL');
  await program?.exit;
}
