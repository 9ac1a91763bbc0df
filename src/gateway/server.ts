import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from '../contracts/logger';
import type { GatewayConfig } from './config';
import type { GatewayApp } from './http/app';

export interface Listening {
  readonly port: number;
  /** Stops accepting calls, lets those in progress finish (5 seconds at most), and closes. */
  stop(): Promise<void>;
}

/** How long calls in progress may take once the gateway is asked to stop. */
const STOP_WITHIN_MS = 5_000;

/** How often the files of certificate and key are looked at. */
const LOOK_EVERY_MS = 30_000;

type TlsFiles = NonNullable<GatewayConfig['tls']>;

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  /** Certificate and key, which are read again when their files change. Plain HTTP without them. */
  readonly tls?: TlsFiles;
  readonly log?: Logger;
  readonly lookEveryMs?: number;
}

/** Listens. Every part of a call has a time-out, so a slow caller cannot hold a connection. */
export async function listen(
  app: Pick<GatewayApp, 'fetch'>,
  { port, host, tls, log, lookEveryMs = LOOK_EVERY_MS }: ListenOptions,
): Promise<Listening> {
  const listener = getRequestListener((request, env) => app.fetch(request, env));
  const limits = {
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 30_000,
    maxHeaderSize: 32 * 1024,
    connectionsCheckingInterval: 5_000,
  };
  const secure = tls && createTlsServer({ ...limits, ...certified(tls) }, listener);
  const server: Server = secure ?? createServer(limits, listener);
  server.maxRequestsPerSocket = 100_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const renewing = tls && secure && setInterval(renew(secure, tls, log), lookEveryMs).unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    stop: () =>
      new Promise((resolve) => {
        clearInterval(renewing);
        const late = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

const certified = ({ certFile, keyFile }: TlsFiles) =>
  ({
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    minVersion: 'TLSv1.2',
  }) as const;

/** Returns a look that takes over a new certificate. One that cannot be used, or has no key yet, is told, and the last one goes on. */
function renew(server: TlsServer, files: TlsFiles, log: Logger | undefined): () => void {
  let used = certified(files);
  let told = '';
  return () => {
    try {
      const found = certified(files);
      if (found.cert === used.cert && found.key === used.key) return;
      server.setSecureContext(found);
      used = found;
      told = '';
      log?.info({ certificate: files.certFile }, 'a new certificate is used from now on');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
      if (reason !== told)
        log?.error(
          { certificate: files.certFile, reason },
          'ALERT the new certificate cannot be used; the last one is',
        );
      told = reason;
    }
  };
}
