import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from '../harness-wait';
import type { Fate } from './change-proxy';

/** Stands between a connector and a target that speaks a protocol of its own, and loses or holds back changes. */
export class TcpChangeProxy {
  /** What becomes of the next change that passes. */
  nextChange: Fate = 'passes';
  #held: (() => void) | undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** @param isChange tells what changes access from everything else that the connector sends */
  static async start(port: number, isChange: (sent: Buffer) => boolean): Promise<TcpChangeProxy> {
    const proxy = new TcpChangeProxy();
    const server = createServer((socket) => proxy.#join(socket, connect(port, '127.0.0.1'), isChange));
    proxy.#server = server;
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo).port;
  }

  /** Waits until a change is held back, and returns what lets it go on. */
  held(): Promise<() => void> {
    return eventually(
      'a change is held back',
      async () => {
        const held = this.#held;
        this.#held = undefined;
        return held;
      },
      60_000,
    );
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.#server?.close(closed));
  }

  #join(socket: Socket, upstream: Socket, isChange: (sent: Buffer) => boolean): void {
    let fate: Fate = 'passes';
    for (const one of [socket, upstream]) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        socket.destroy();
        upstream.destroy();
      });
    }
    socket.on('data', (data) => {
      fate = isChange(data) ? this.nextChange : 'passes';
      if (fate !== 'passes') this.nextChange = 'passes';
      if (fate === 'is lost') return void socket.destroy();
      if (fate === 'is held') this.#held = () => upstream.write(data);
      else upstream.write(data);
    });
    upstream.on('data', (answer) => {
      if (fate === 'is done, its answer is held') this.#held = () => socket.write(answer);
      else if (fate === 'is done, unheard') socket.destroy();
      else socket.write(answer);
    });
  }
}
