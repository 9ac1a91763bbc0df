import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';

const WAIT_MS = 5 * 60_000;
const LONGEST_CODE = 8_192;

const ANSWER = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Countersign</title>
<p>The command line has its answer. You can close this page.</p></html>`;

/**
 * Waits on this machine's loopback address for the code that a browser brings from the gateway's page (RFC 8252 section 7.3). Takes it
 * only with the state of this very login, and once.
 */
export class Loopback {
  readonly verifier = randomBytes(48).toString('base64url');
  readonly #state = randomBytes(24).toString('base64url');
  readonly #challenge = createHash('sha256').update(this.verifier).digest('base64url');
  readonly #code: Promise<string>;

  private constructor(private readonly server: Server) {
    this.#code = new Promise((resolve) => {
      server.on('request', (request, response) => {
        const { searchParams, pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
        const code = searchParams.get('code') ?? '';
        const isOurs =
          searchParams.get('state') === this.#state && pathname === '/' && request.method === 'GET';
        if (!isOurs || code === '' || code.length > LONGEST_CODE) return void response.writeHead(404).end();
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
          connection: 'close',
        });
        response.end(ANSWER, () => resolve(code));
      });
    });
  }

  /** Listens on a port, or on a free one for 0. */
  static async open(port: number): Promise<Loopback> {
    const server = createServer({ maxHeaderSize: 32_768 });
    const waiting = new Loopback(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return waiting;
  }

  /** The page at which the person lets this program read. */
  pageAt(origin: string): string {
    const address = this.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const asked = { port: String(port), challenge: this.#challenge, state: this.#state };
    return `${origin}/login?${new URLSearchParams(asked)}`;
  }

  /** What the page shows as well. */
  get word(): string {
    return `${this.#challenge.slice(0, 4)}-${this.#challenge.slice(4, 8)}`.toUpperCase();
  }

  /** Returns the code. @throws DOMException `TimeoutError` after five minutes */
  async code(): Promise<string> {
    const signal = AbortSignal.timeout(WAIT_MS);
    const late = new Promise<never>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    return Promise.race([this.#code, late]);
  }

  /** Opens the page where there is a program for that. Who has none opens it by hand. */
  openBrowser(page: string): void {
    const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
    const child = spawn(program, [page], { stdio: 'ignore', detached: true });
    child.on('error', () => undefined);
    child.unref();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
