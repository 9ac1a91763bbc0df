import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { eventually } from '../harness-wait';

/** What becomes of the next change that passes: it is lost on its way, or carried out without its answer, or held back. */
export type Fate = 'passes' | 'is lost' | 'is done, unheard' | 'is done, its answer is held' | 'is held';

export interface ProxyOptions {
  /** Where requests go. Undefined while the target is down. */
  readonly upstream: () => URL | undefined;
  /** With these, the proxy speaks TLS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
  /** Tells a request that changes access from the others. */
  readonly isChange: (request: IncomingMessage, body: string) => boolean;
}

/** Stands between a connector and an HTTP target, and loses or holds back changes. */
export class ChangeProxy {
  nextChange: Fate = 'passes';
  #held: (() => void) | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly options: ProxyOptions,
    private readonly server: ReturnType<typeof createHttpServer>,
  ) {}

  static async start(options: ProxyOptions): Promise<ChangeProxy> {
    let proxy: ChangeProxy | undefined;
    const listener: RequestListener = (request, response) => proxy?.pass(request, response);
    const server = options.tls ? createHttpsServer(options.tls, listener) : createHttpServer(listener);
    proxy = new ChangeProxy(options, server);
    const sockets = proxy.#sockets;
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return proxy;
  }

  get url(): string {
    const address = this.server.address() as AddressInfo;
    return `${this.options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}`;
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

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const isChange = this.options.isChange(request, body.toString());
    const fate = isChange ? this.nextChange : 'passes';
    if (isChange) this.nextChange = 'passes';
    const upstream = this.options.upstream();
    if (fate === 'is lost' || upstream === undefined) return void response.destroy();
    const go = () => this.#forward(upstream, request, body, fate, response);
    if (fate === 'is held') this.#held = go;
    else go();
  }

  #forward(
    upstream: URL,
    { method, url, headers }: IncomingMessage,
    body: Buffer,
    fate: Fate,
    response: ServerResponse,
  ): void {
    const send = upstream.protocol === 'https:' ? httpsRequest : httpRequest;
    const target = new URL(url ?? '/', upstream);
    const onward = send(
      target,
      { method, headers: { ...headers, host: target.host }, rejectUnauthorized: false },
      (answer) => {
        if (fate === 'is done, unheard' || fate === 'is done, its answer is held') {
          answer.resume();
          if (fate === 'is done, unheard') response.destroy();
          else this.#held = () => response.destroy();
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    onward.end(body);
  }
}
