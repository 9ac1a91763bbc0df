import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import type { GatewayConfig } from './config';
import type { GatewayApp } from './http/app';

export interface Listening {
  readonly port: number;
  /** Stops accepting calls, lets those in progress finish (5 seconds at most), and closes. */
  stop(): Promise<void>;
}

/** How long calls in progress may take once the gateway is asked to stop. */
const STOP_WITHIN_MS = 5_000;

/** Listens. Every part of a call has a time-out, so a slow caller cannot hold a connection. */
export async function listen(
  app: Pick<GatewayApp, 'fetch'>,
  { port, host, tls }: { readonly port: number; readonly host: string; readonly tls?: GatewayConfig['tls'] },
): Promise<Listening> {
  const listener = getRequestListener((request, env) => app.fetch(request, env));
  const limits = {
    headersTimeout: 10_000,
    requestTimeout: 20_000,
    keepAliveTimeout: 30_000,
    maxHeaderSize: 32 * 1024,
    connectionsCheckingInterval: 5_000,
  };
  const server: Server =
    tls === undefined
      ? createServer(limits, listener)
      : createTlsServer(
          {
            ...limits,
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
            minVersion: 'TLSv1.2',
          },
          listener,
        );
  server.maxRequestsPerSocket = 100_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    stop: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
