import { readFileSync } from 'node:fs';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { parse } from 'yaml';
import { type WaitOptions, waitUntil } from './wait-until';

/** Returns the address of the gateway: https if its configuration has TLS. */
export function gatewayUrlOf(port: number, configFile: string | undefined): string {
  return `${servesTls(configFile) ? 'https' : 'http'}://127.0.0.1:${port}`;
}

/** Waits until a gateway answers. */
export const waitForGateway = (url: string, waiting: Omit<WaitOptions, 'what'>): Promise<void> =>
  waitUntil({ ...waiting, what: 'the gateway' }, () => askHealth(url));

function servesTls(configFile: string | undefined): boolean {
  if (configFile === undefined) return false;
  try {
    const config: unknown = parse(readFileSync(configFile, 'utf8'));
    return typeof config === 'object' && config !== null && 'tls' in config;
  } catch {
    // The gateway itself reports what is wrong with its configuration.
    return false;
  }
}

function askHealth(url: string): Promise<void> {
  const answered = (resolve: () => void) => (response: IncomingMessage) => {
    response.resume();
    resolve();
  };
  return new Promise((resolve, reject) => {
    // This only asks whether something answers. The certificate is for the public name, not for loopback.
    const request = url.startsWith('https')
      ? getHttps(`${url}/health`, { rejectUnauthorized: false, timeout: 2_000 }, answered(resolve))
      : getHttp(`${url}/health`, { timeout: 2_000 }, answered(resolve));
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}
