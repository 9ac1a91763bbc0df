import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { HolderEnvironment } from '../definition';

const run = promisify(execFile);
const WITHIN_MS = 10_000;
/** The name that the target has in the configuration, whatever its address is. */
const ALIAS = 'target';

/**
 * Gives a command a key of its own with a certificate, and a configuration of `ssh` that uses both: `ssh -F "$GRANT_SSH_CONFIG" target`.
 * Git and rsync are led by their own variables.
 */
export const holderEnvironment: HolderEnvironment = {
  example: 'ssh://deploy@host.example:22',
  accepts: ({ protocol, hostname, password, pathname }) =>
    protocol === 'ssh:' && hostname !== '' && password === '' && /^\/?$/.test(pathname),
  replaces: ['GRANT_SSH_CONFIG', 'GIT_SSH', 'GIT_SSH_COMMAND', 'RSYNC_RSH'],
  variables: () => ({}),
  prepare: async ({ address, account, folder, certificate }) => {
    const key = path.join(folder, 'id_ed25519');
    await keygen('-q', '-t', 'ed25519', '-N', '', '-C', 'countersign', '-f', key);
    const signed = await certificate(await readFile(`${key}.pub`, 'utf8'));
    await writeFile(`${key}-cert.pub`, `${signed}\n`, { mode: 0o600 });
    const config = path.join(folder, 'config');
    await writeFile(config, configOf(address, account, key), { mode: 0o600 });
    // The shell that git and rsync start splits at spaces.
    const ssh = `ssh -F '${config.replaceAll("'", `'\\''`)}'`;
    return { GRANT_SSH_CONFIG: config, GIT_SSH_COMMAND: ssh, RSYNC_RSH: ssh };
  },
};

async function keygen(...args: readonly string[]): Promise<void> {
  try {
    await run('ssh-keygen', [...args], { timeout: WITHIN_MS });
  } catch {
    throw new Error('no key can be made; install the OpenSSH client (ssh-keygen)');
  }
}

function configOf({ hostname, port, username }: URL, account: string, key: string): string {
  const host = hostname.replace(/^\[|\]$/g, '');
  const file = `"${key.replaceAll('%', '%%')}`;
  return [
    `Host ${ALIAS} ${host}`,
    `  HostName ${host}`,
    ...(port === '' ? [] : [`  Port ${port}`]),
    `  User ${username === '' ? account : decodeURIComponent(username)}`,
    'Host *',
    `  IdentityFile ${file}"`,
    `  CertificateFile ${file}-cert.pub"`,
    '  IdentitiesOnly yes',
    '',
  ].join('\n');
}
