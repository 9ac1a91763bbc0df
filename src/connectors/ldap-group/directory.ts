import { readFileSync } from 'node:fs';
import { Client, type Entry, NoSuchObjectError, ResultCodeError } from 'ldapts';
import { TargetUnavailable } from '../../database/unavailable';

export interface LdapSettings {
  readonly url: string;
  readonly bindDn: string;
  readonly password: string;
  readonly tls: 'required' | 'none';
  readonly caFile?: string;
  readonly peopleDn?: string;
}

const WITHIN_MS = 4_000;

/** Result codes that no retry mends (RFC 4511 section 4.1.9): a wrong login, a missing right, a name or schema that does not fit. */
const PERMANENT = [7, 8, 13, 16, 17, 18, 19, 21, 32, 34, 48, 49, 50, 53, 65, 67, 69];

/**
 * Runs `work` on a connection of its own, as the connector's login. Every operation has a time-out.
 *
 * @throws TargetUnavailable with the directory's own words, without an address or a secret
 */
export async function withDirectory<T>(
  settings: LdapSettings,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    const tlsOptions = settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) };
    const { url } = settings;
    const isTlsFromTheStart = url.startsWith('ldaps:');
    const client = new Client({
      url,
      timeout: WITHIN_MS,
      connectTimeout: WITHIN_MS,
      ...(isTlsFromTheStart && { tlsOptions }),
    });
    try {
      // The certificate has to be for the name in the address (RFC 4513 section 3.1.3).
      if (settings.tls === 'required' && !isTlsFromTheStart)
        await client.startTLS({ ...tlsOptions, host: new URL(url).hostname.replace(/^\[|\]$/g, '') });
      await client.bind(settings.bindDn, settings.password);
      return await work(client);
    } finally {
      await client.unbind().catch(() => undefined);
    }
  } catch (error) {
    throw publicError(error);
  }
}

/** Returns the entry of a DN with these attributes, or undefined if there is none. */
export async function entryAt(
  client: Client,
  dn: string,
  attributes: readonly string[],
): Promise<Entry | undefined> {
  try {
    const { searchEntries } = await client.search(dn, { scope: 'base', attributes: [...attributes] });
    return searchEntries[0];
  } catch (error) {
    if (error instanceof NoSuchObjectError) return undefined;
    throw error;
  }
}

/** Returns what callers get in place of the library's error, which can hold an address. */
function publicError(error: unknown): Error {
  if (error instanceof TargetUnavailable) return error;
  if (error instanceof ResultCodeError) {
    const words = `${error.name.replace(/Error$/, '')} ${error.message}`.replace(/\s+/g, ' ').slice(0, 300);
    return new TargetUnavailable(
      `the directory refused: ${words}`,
      undefined,
      PERMANENT.includes(error.code),
    );
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const reason = typeof code === 'string' && /^[A-Z_]{2,60}$/.test(code) ? ` (${code})` : '';
  return new TargetUnavailable(`the directory cannot be reached${reason}`);
}
