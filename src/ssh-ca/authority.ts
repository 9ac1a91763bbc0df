import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TargetUnavailable } from '../database/unavailable';
import type { CertificateTerms } from './terms';

const run = promisify(execFile);

export interface SshAuthorityOptions {
  /** The connector's name in the catalog. It stands in every certificate. */
  readonly connector: string;
  /** Path of the authority's private key without a passphrase, or of its public key if an agent holds the other. */
  readonly ca: string;
  /** The socket of an ssh-agent that holds the key. */
  readonly agent?: string;
}

const WITHIN_MS = 10_000;
/** The clock of a host may be this far behind ours. */
const EARLIER_SECONDS = 60;
const LONGEST_KEY = 1_000;
/** Kinds of keys that are signed. Each is safe whatever its size, because each has one. */
const KEY =
  /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+={0,2}$/;

/** Returns a public key without its comment, or undefined if it is not of a kind that is signed. */
export function plainKey(text: string): string | undefined {
  if (text.length > LONGEST_KEY) return undefined;
  const key = text
    .trim()
    .split(/[ \t]+/, 2)
    .join(' ');
  return /[\r\n]/.test(text.trim()) || !KEY.test(key) ? undefined : key;
}

/** Signs certificates and revocation lists with `ssh-keygen`, the reference implementation of both formats. */
export class SshAuthority {
  constructor(private readonly options: SshAuthorityOptions) {}

  /** Returns the authority's public key, for TrustedUserCAKeys. @throws TargetUnavailable in the words of ssh-keygen */
  async publicKey(): Promise<string> {
    const { ca, agent } = this.options;
    const text =
      agent === undefined ? await this.#keygen(['-y', '-P', '', '-f', ca]) : await readPublicKey(ca);
    const key = plainKey(text);
    if (key === undefined)
      throw refused('the key of the authority has to be Ed25519 or ECDSA, and without a passphrase');
    return key;
  }

  /**
   * Signs a public key for one lease.
   *
   * @param publicKey as `plainKey` returns it
   * @returns the certificate, which counts until the second in which the lease ends
   * @throws TargetUnavailable in the words of ssh-keygen
   */
  sign(
    publicKey: string,
    { principals, sourceAddress, forceCommand, permits }: CertificateTerms,
    lease: { readonly leaseId: string; readonly expiresAtMs: number },
    nowMs: number,
  ): Promise<string> {
    const from = Math.floor(nowMs / 1_000) - EARLIER_SECONDS;
    const until = Math.floor(lease.expiresAtMs / 1_000);
    if (until <= from) throw refused('the lease is over');
    const options = [
      'clear',
      ...permits.map((one) => `permit-${one}`),
      ...(sourceAddress === undefined ? [] : [`source-address=${sourceAddress}`]),
      ...(forceCommand === undefined ? [] : [`force-command=${forceCommand}`]),
    ];
    return inFolder(async (folder) => {
      const file = path.join(folder, 'key.pub');
      await writeFile(file, `${publicKey}\n`);
      await this.#keygen([
        ...['-q', ...this.#signer(), '-I', this.#keyId(lease.leaseId), '-n', principals.join(',')],
        ...['-V', `0x${from.toString(16)}:0x${until.toString(16)}`],
        ...options.flatMap((option) => ['-O', option]),
        file,
      ]);
      return (await readFile(path.join(folder, 'key-cert.pub'), 'utf8')).trim();
    });
  }

  /** Returns a key revocation list (KRL) of every certificate that these leases have or will have, for RevokedKeys. */
  revocationList(leaseIds: readonly string[], nowMs: number): Promise<Buffer> {
    return inFolder(async (folder) => {
      const [list, krl, ca] = ['list', 'krl', 'ca.pub'].map((name) => path.join(folder, name)) as [
        string,
        string,
        string,
      ];
      await writeFile(ca, `${await this.publicKey()}\n`);
      await writeFile(list, leaseIds.map((id) => `id: ${this.#keyId(id)}\n`).join(''));
      const version = String(Math.floor(nowMs / 1_000));
      await this.#keygen(['-k', '-q', '-s', ca, '-z', version, '-f', krl, list]);
      return readFile(krl);
    });
  }

  /** The id of a certificate says in the log of a host which request it is from. */
  #keyId(leaseId: string): string {
    return `countersign/${this.options.connector}/${leaseId}`;
  }

  #signer(): readonly string[] {
    const { ca, agent } = this.options;
    return agent === undefined ? ['-P', '', '-s', ca] : ['-U', '-s', ca];
  }

  async #keygen(args: readonly string[]): Promise<string> {
    const { PATH = '/usr/bin:/bin' } = process.env;
    const { agent } = this.options;
    const env = { PATH, ...(agent !== undefined && { SSH_AUTH_SOCK: agent }) };
    try {
      return (await run('ssh-keygen', [...args], { env, timeout: WITHIN_MS, maxBuffer: 1024 * 1024 })).stdout;
    } catch (error) {
      throw refused(wordsOf(error));
    }
  }
}

async function readPublicKey(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw refused('the public key of the authority cannot be read');
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'countersign-ssh-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nothing here is mended by trying again: a key, a program or an agent is missing. */
const refused = (words: string): TargetUnavailable =>
  new TargetUnavailable(`the certificate authority cannot sign: ${words}`, undefined, true);

function wordsOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'ssh-keygen failed';
  if ('code' in error && error.code === 'ENOENT') return 'there is no ssh-keygen; install the OpenSSH client';
  const said = 'stderr' in error ? String(error.stderr) : '';
  const last = said.trim().split(/\r?\n/).at(-1) ?? '';
  return (last || 'ssh-keygen failed').slice(0, 300);
}
