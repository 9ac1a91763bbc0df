import { createServer } from 'node:net';
import { codeOf } from './errors';

/** Returns a TCP port of the loopback interface that is free at this moment. */
export const freePort = (): Promise<number> => listenBriefly(0);

/** Returns the first free port from `first` on, or any free one if the next twenty are all in use. */
export async function freePortFrom(first: number): Promise<number> {
  for (let port = first; port < first + 20; port += 1) {
    const isFree = await listenBriefly(port).then(
      () => true,
      () => false,
    );
    if (isFree) return port;
  }
  return freePort();
}

/** Throws if something listens on a port: whatever answers there would be mistaken for our program. */
export async function requireFreePort(port: number, purpose: string): Promise<void> {
  try {
    await listenBriefly(port);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new Error(
      `port ${port} for ${purpose} is in use; stop the program that uses it, or choose another port`,
    );
  }
}

function listenBriefly(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
