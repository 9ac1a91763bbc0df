import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';

/**
 * How the way to the target behaves: as it should; nobody there; nobody answers; late; or it breaks after the target
 * has carried out a COMMIT and before anybody hears of it.
 */
export type Weather = 'fair' | 'down' | 'mute' | 'slow' | 'half';

const SLOW_MS = 400;

/** Stands between the workers and the target. */
export class TargetProxy {
  weather: Weather = 'fair';
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static open(targetPort: number): Promise<TargetProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => proxy?.accept(socket, targetPort));
      let proxy: TargetProxy | undefined;
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') return reject(new Error('no port'));
        proxy = new TargetProxy(server, address.port);
        resolve(proxy);
      });
    });
  }

  /** Changes the weather. Connections that are open feel it at once. */
  turn(weather: Weather): void {
    // What was swallowed while it was mute cannot be made good.
    const breaks = weather === 'down' || this.weather === 'mute';
    this.weather = weather;
    if (breaks) for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }

  private accept(near: Socket, targetPort: number): void {
    if (this.weather === 'down') {
      near.destroy();
      return;
    }
    const far = connectTo({ host: '127.0.0.1', port: targetPort });
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
      if (this.weather === 'half' && data.includes('COMMIT')) isCut = true;
      toFar(data);
    });
    far.on('data', (data) => {
      if (isCut) near.destroy();
      else toNear(data);
    });
  }

  /** One direction. What is late stays in its order. */
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
