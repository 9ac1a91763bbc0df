import { execFileSync } from 'node:child_process';
import { toStderr } from '../../src/stack/announce';

/**
 * Installs Debian packages that a test needs, and says so.
 *
 * @throws Error that says what to install by hand, if this machine has no apt-get or this user may not use it
 */
export function installDebian(...packages: readonly string[]): void {
  const names = packages.join(' ');
  toStderr(`installing for the tests what this machine lacks: ${names}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: readonly string[]) => execFileSync('apt-get', args, { stdio: 'ignore', env });
  try {
    apt('update');
  } catch {
    // Another test file may be at it. What that leaves missing, the installation says.
  }
  try {
    apt('-o', 'DPkg::Lock::Timeout=600', 'install', '-y', '--no-install-recommends', ...packages);
  } catch {
    throw new Error(`the tests need ${names}; install it (apt-get install ${names}) and run them again`);
  }
}
