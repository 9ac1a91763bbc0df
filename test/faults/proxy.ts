import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { connect as connectSecurely, createServer as createSecureServer } from 'node:tls';

/** What a proxy has to know of its target. */
export interface Spoken {
  /** Tells what makes a change; by default the COMMIT of a transaction. */
  readonly isChange?: (sent: Buffer) => boolean;
  /** With what the proxy shows itself as the target, if TLS is spoken. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

/**
 * State of the connection to the target: normal; refused; no answer; slow; or broken after the target
 * has carried out a change and before the answer arrives.
 */
export type Weather = 'fair' | 'down' | 'mute' | 'slow' | 'half';

const SLOW_MS = 400;

const hasCommit = (sent: Buffer): boolean => sent.includes('COMMIT');

/** A proxy between the workers and the target. */
export class TargetProxy {
  weather: Weather = 'fair';
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly isChange: (sent: Buffer) => boolean,
    private readonly connect: () => Socket,
  ) {}

  static open(port: number, { isChange = hasCommit, tls }: Spoken = {}): Promise<TargetProxy> {
    const far = { host: '127.0.0.1', port };
    return new Promise((resolve, reject) => {
      const accept = (socket: Socket) => proxy?.accept(socket);
      const server = tls === undefined ? createServer(accept) : createSecureServer(tls, accept);
      const connect = () =>
        tls === undefined ? connectTo(far) : connectSecurely({ ...far, rejectUnauthorized: false });
      let proxy: TargetProxy | undefined;
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') return reject(new Error('no port'));
        proxy = new TargetProxy(server, address.port, isChange, connect);
        resolve(proxy);
      });
    });
  }

  /** Changes the weather. It affects open connections at once. */
  turn(weather: Weather): void {
    // Data that was dropped while it was mute cannot be delivered later, so break the connection.
    const breaks = weather === 'down' || this.weather === 'mute';
    this.weather = weather;
    if (breaks) for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }

  private accept(near: Socket): void {
    if (this.weather === 'down') {
      near.destroy();
      return;
    }
    const far = this.connect();
    let isCut = false;
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const [toFar, toNear] = [this.#way(far), this.#way(near)];
    near.on('data', (data) => {
      if (this.weather === 'half' && this.isChange(data)) isCut = true;
      toFar(data);
    });
    far.on('data', (data) => {
      if (isCut) near.destroy();
      else toNear(data);
    });
  }

  /** Forwards one direction. Delayed data keeps its order. */
  #way(to: Socket): (data: Buffer) => void {
    let tail = Promise.resolve();
    return (data) => {
      if (this.weather === 'mute') return;
      const delayMs = this.weather === 'slow' ? SLOW_MS : 0;
      tail = tail.then(async () => {
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
        if (!to.destroyed) to.write(data);
      });
    };
  }
}
