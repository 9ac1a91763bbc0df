import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a gate says to its gateway on the way of one approved call, in this order. */
const STEPS = {
  ask: /^POST \/v1\/requests$/,
  proof: /^GET \/v1\/requests\/[^/]+\/evidence$/,
  token: /^POST \/v1\/execution-tokens$/,
  use: /^POST \/v1\/execution-tokens\/redeem$/,
  outcome: /^POST \/v1\/executions\/outcome$/,
} as const;
export type Step = keyof typeof STEPS;

/** Something that happens once, before a step reaches the gateway or before its answer reaches the gate. */
export interface Trap {
  readonly step: Step;
  readonly when: 'before' | 'after';
  /** Returns false if nothing may go further: who sent it is gone. */
  readonly act: () => Promise<boolean>;
}

/** Carries what gates and people say to a gateway, and can be made to stop at a step. */
export class Passage {
  target = '';
  trap: Trap | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('request', (request, response) => {
      void this.#carry(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<Passage> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on a port has an address of this kind.
    const { port } = server.address() as AddressInfo;
    return new Passage(server, `http://127.0.0.1:${port}`);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #carry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    if (!(await this.#passes(`${method} ${url}`, 'before'))) return void response.destroy();
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(`${this.target}${url}`, {
      method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ...(body.length > 0 && { body }),
    });
    const text = await answer.text();
    if (!(await this.#passes(`${method} ${url}`, 'after'))) return void response.destroy();
    const type = answer.headers.get('content-type');
    response.writeHead(answer.status, type === null ? {} : { 'content-type': type });
    response.end(text);
  }

  async #passes(what: string, when: Trap['when']): Promise<boolean> {
    const { trap } = this;
    if (trap?.when !== when || !STEPS[trap.step].test(what)) return true;
    this.trap = undefined;
    return trap.act();
  }
}
