import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { freePort } from '../../src/stack/free-port';

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A web server on loopback that records what is posted to it, and can be closed and opened again. */
export class HookReceiver {
  readonly posts: ReceivedPost[] = [];
  /** The status that it answers with. */
  status = 204;
  #server: Server | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<HookReceiver> {
    const receiver = new HookReceiver(await freePort());
    await receiver.open();
    return receiver;
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        this.posts.push({ path: request.url ?? '', headers: request.headers, body });
        response.writeHead(this.status).end();
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', () => resolve()));
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }
}
