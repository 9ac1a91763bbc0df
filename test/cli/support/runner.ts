import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';

export const ROOT = path.resolve(EXAMPLE_BUNDLE_DIR, '..');
export const COMMAND = path.join(ROOT, 'bin/countersign.js');

/** A program that runs, what it has said so far, and its exit code. */
export interface Ran {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

/** A machine for CI jobs: a folder of its own, and the command on its path. */
export class Runner {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'countersign-ci-'));
  readonly #bin = path.join(this.folder, 'bin');
  /** What a failed test would leave running. */
  readonly #started: ChildProcess[] = [];

  constructor() {
    mkdirSync(this.#bin);
    symlinkSync(COMMAND, path.join(this.#bin, 'countersign'));
  }

  start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.folder,
      env: { PATH: `${this.#bin}:${PATH}`, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env },
    });
    this.#started.push(child);
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    return { child, said, exit: new Promise((resolve) => child.once('close', resolve)) };
  }

  end(): void {
    for (const child of this.#started) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
