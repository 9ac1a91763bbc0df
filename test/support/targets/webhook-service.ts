import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from '@swc/core';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { freePort } from '../../../src/stack/free-port';
import { eventually } from '../harness-wait';

const ROOT = path.resolve(EXAMPLE_BUNDLE_DIR, '..');
const EXAMPLES = path.join(ROOT, 'examples/webhook-target');
export const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes ...').toString('base64')}`;

/** A secret that no service has. */
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** One of the example services, as its authors would run it. What it holds is gone when it stops. */
export class ExampleService {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly dir: string,
    private readonly command: readonly [string, ...string[]],
    private readonly accounts: readonly string[],
    private readonly groups: readonly string[],
  ) {}

  static async start(
    language: 'typescript' | 'python',
    accounts: readonly string[] = ['jonas', 'mira'],
    groups: readonly string[] = ['dba', 'ops'],
  ): Promise<ExampleService> {
    // Below the checkout, so that it finds the library that it verifies with.
    const dir = mkdtempSync(path.join(ROOT, 'dist/webhook-service-'));
    const service = new ExampleService(
      await freePort(),
      dir,
      language === 'python' ? PYTHON : compiled(dir),
      accounts,
      groups,
    );
    await service.restart();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async restart(): Promise<void> {
    const { PATH = '' } = process.env;
    const [program, ...args] = this.command;
    const env = {
      PATH,
      WEBHOOK_SECRET: SECRET,
      ACCOUNTS: this.accounts.join(','),
      GROUPS: this.groups.join(','),
      PORT: String(this.port),
    };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually('the example service is ready', async () => /ready/.exec(said) ?? undefined);
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const PYTHON = ['python3', path.join(EXAMPLES, 'service.py')] as const;

function compiled(dir: string): readonly [string, string] {
  const source = readFileSync(path.join(EXAMPLES, 'service.mts'), 'utf8');
  const { code } = transformSync(source, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  const file = path.join(dir, 'service.mjs');
  writeFileSync(file, code);
  return [process.execPath, file];
}
