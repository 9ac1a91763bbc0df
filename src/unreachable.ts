import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const LOCAL = '127.0.0.1:7233';
const PROBE_WITHIN_MS = 2_000;

/** How a server was asked for, as far as it matters when it does not answer. */
export interface ServerAddress {
  /** `HOST:PORT` as Temporal's configuration has it. Default: the SDK's, this machine. */
  readonly address?: string | undefined;
  readonly tls?: unknown;
}

/**
 * Finds out why a Temporal server cannot be used, by one look at its address: it refuses, its name does not exist, it speaks TLS
 * or does not, or it does not answer. Returns one line that names the address, the cause and what to do. Never throws.
 */
export async function whyUnreachable(server: ServerAddress): Promise<string> {
  const address = server.address ?? LOCAL;
  const cause = await causeOf(address, Boolean(server.tls));
  return `cannot reach Temporal at ${address}: ${cause}; check TEMPORAL_ADDRESS, or start a server (countersign up)`;
}

async function causeOf(address: string, wantsTls: boolean): Promise<string> {
  const url =
    !/[\s/]/.test(address) && URL.canParse(`tcp://${address}`) ? new URL(`tcp://${address}`) : undefined;
  if (url === undefined || url.hostname === '')
    return 'this is not an address such as temporal.example.com:7233';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 7233);
  try {
    await lookup(host);
  } catch {
    return `the name ${host} is not found`;
  }
  const tcp = await outcomeOf(() => connectTcp({ host, port }), 'connect');
  if (tcp !== undefined) return tcp;
  const tls = await outcomeOf(
    () =>
      connectTls({
        host,
        port,
        ...(isIP(host) === 0 && { servername: host }),
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
      }),
    'secureConnect',
  );
  if (wantsTls)
    return tls === undefined
      ? 'TLS fails: check the certificates (TEMPORAL_TLS_*)'
      : 'TLS fails: the server does not speak it (TEMPORAL_TLS)';
  if (tls === undefined) return 'the server speaks TLS, and TEMPORAL_TLS is not set';
  return 'something listens there and does not answer as a Temporal server';
}

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused, nothing listens there',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'no answer',
};

/** Returns undefined once a socket is connected, else why it is not. */
function outcomeOf(open: () => Socket, ready: 'connect' | 'secureConnect'): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = open();
    const end = (why?: string): void => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(PROBE_WITHIN_MS, () => end(`no answer in ${PROBE_WITHIN_MS / 1_000} s`));
    socket.once(ready, () => end());
    socket.once('error', (error: NodeJS.ErrnoException) => end(CAUSES[error.code ?? ''] ?? error.message));
    socket.once('close', () => end('the connection is closed at once'));
  });
}
