import { createServer } from 'node:net';
import { codeOf } from './errors';

/** A TCP port of the loopback interface that is free now. */
export const freePort = (): Promise<number> => listenBriefly(0);

/** Refuses a port that something else has: what answers there would be taken for ours. */
export async function requireFreePort(port: number, purpose: string): Promise<void> {
  try {
    await listenBriefly(port);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new Error(`port ${port} for ${purpose} is in use; end what has it, or choose another port`);
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
