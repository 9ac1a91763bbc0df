import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../../src/stack/announce';
import { cacheDir } from '../../../src/stack/cache';
import { freePort } from '../../../src/stack/free-port';
import { eventuallyTrue } from '../harness-wait';

const VERSION = '5.2.2';

/** moto, an emulator of AWS: it answers as AWS does, and holds assignments in memory. It does not check credentials or rights. */
export class TestMoto {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(): Promise<TestMoto> {
    const python = path.join(provideMoto(), 'bin/python');
    const port = await freePort();
    const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
    const { PATH = '' } = process.env;
    const child = spawn(python, args, { stdio: 'ignore', env: { PATH } });
    const url = `http://127.0.0.1:${port}`;
    await eventuallyTrue(
      'moto answers',
      () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      120_000,
    );
    return new TestMoto(url, child);
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }
}

/** Returns the folder of moto in a Python environment of its own. Installs it from PyPI on first use. */
export function provideMoto(): string {
  const folder = path.join(cacheDir(), `moto-${VERSION}`);
  if (existsSync(folder)) return folder;
  toStderr(`installing moto ${VERSION} from PyPI (kept in ${folder})`);
  mkdirSync(cacheDir(), { recursive: true });
  const part = mkdtempSync(path.join(cacheDir(), 'moto-part-'));
  execFileSync('python3', ['-m', 'venv', part], { stdio: 'pipe' });
  const python = path.join(part, 'bin/python');
  execFileSync(python, ['-m', 'pip', 'install', '-q', `moto[server]==${VERSION}`], { stdio: 'pipe' });
  try {
    renameSync(part, folder);
  } catch (error) {
    // Another test got it at the same moment.
    if (!existsSync(folder)) throw error;
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}
