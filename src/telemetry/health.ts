import { createServer } from 'node:http';

export interface HealthServer {
  stop(): Promise<void>;
}

/**
 * Answers `/livez`: the process answers at all, whatever Temporal and the targets do, so that no outage of theirs restarts what ends
 * grants. And `/readyz`: 200 if `isReady`, else 503.
 *
 * @throws Error of one line where the port cannot be had
 */
export async function serveHealth(
  { host, port }: { readonly host: string; readonly port: number },
  isReady: () => boolean,
): Promise<HealthServer> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 5_000 }, (request, response) => {
    const [status, text] = answerTo(request.url, isReady);
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`);
  });
  server.maxConnections = 50;
  await new Promise<void>((resolve, reject) => {
    const taken = `health cannot be served on ${host}:${port}; the port is taken, or not ours to have`;
    server.once('error', () => reject(new Error(taken)));
    server.listen(port, host, resolve);
  });
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerTo(path: string | undefined, isReady: () => boolean): readonly [number, string] {
  if (path === '/livez') return [200, 'ok'];
  if (path === '/readyz') return isReady() ? [200, 'ready'] : [503, 'not connected to Temporal'];
  return [404, 'not found'];
}
