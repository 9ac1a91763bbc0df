import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { freePort } from '../../../src/stack/free-port';
import { check, operation } from './schemas';

const bodySchema = z.object({
  name: z.string(),
  head_sha: z.string().optional(),
  external_id: z.string(),
  conclusion: z.string(),
  output: z.object({ title: z.string(), summary: z.string() }),
});

interface KeptRun extends z.output<typeof bodySchema> {
  readonly id: number;
  readonly head_sha: string;
  /** The app that made it. Another one's token cannot change it. */
  readonly app: string;
}

/** The check runs of one repository at GitHub. What it is sent and what it answers is checked by GitHub's own OpenAPI document. */
export class FakeChecks {
  readonly runs: KeptRun[] = [];
  readonly calls: string[] = [];
  readonly wrong: string[] = [];
  /** Answers that come before its own, one for each call. */
  readonly troubles: { readonly status: number; readonly headers?: Record<string, string> }[] = [];
  #server: Server | undefined;

  private constructor(
    readonly port: number,
    readonly repository: string,
    readonly token: string,
  ) {}

  static async start(repository: string, token: string): Promise<FakeChecks> {
    const one = new FakeChecks(await freePort(), repository, token);
    const server = createServer((request, response) => {
      void one.#serve(request, response).catch((error: unknown) => {
        one.wrong.push(String(error));
        response.writeHead(500).end();
      });
    });
    one.#server = server;
    server.listen(one.port, '127.0.0.1');
    await once(server, 'listening');
    return one;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '' } = request;
    this.calls.push(`${method} ${url}`);
    const trouble = this.troubles.shift();
    if (trouble !== undefined) return void response.writeHead(trouble.status, trouble.headers).end('{}');
    const { status, answer } =
      request.headers.authorization === `Bearer ${this.token}`
        ? this.#answer(method, new URL(url, this.url), text === '' ? undefined : JSON.parse(text))
        : { status: 401, answer: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #answer(method: string, { pathname, searchParams }: URL, body: unknown) {
    const base = `/repos/${this.repository}`;
    const [, commit] = /^\/commits\/([0-9a-f]+)\/check-runs$/.exec(pathname.slice(base.length)) ?? [];
    if (!pathname.startsWith(base)) return { status: 404, answer: {} };
    if (method === 'GET' && commit !== undefined) {
      const name = searchParams.get('check_name');
      const found = this.runs.filter((one) => one.head_sha === commit && one.name === name);
      return said('listCheckRuns', { total_count: found.length, check_runs: found.map(shown) });
    }
    if (method === 'POST' && pathname === `${base}/check-runs`) {
      const read = heard('createCheckRun', body);
      const { head_sha: head = '' } = read;
      const made = { ...read, id: this.runs.length + 1, head_sha: head, app: 'github-actions' };
      this.runs.push(made);
      return said('createCheckRun', shown(made), 201);
    }
    const [, id] = /\/check-runs\/(\d+)$/.exec(pathname) ?? [];
    const index = this.runs.findIndex((one) => String(one.id) === id);
    const known = this.runs[index];
    if (method !== 'PATCH' || known === undefined) return { status: 404, answer: {} };
    if (known.app !== 'github-actions') return { status: 403, answer: {} };
    const changed = { ...known, ...heard('updateCheckRun', body), head_sha: known.head_sha };
    this.runs[index] = changed;
    return said('updateCheckRun', shown(changed));
  }
}

const shown = ({ id, name, external_id, head_sha }: KeptRun) => ({ id, name, external_id, head_sha });

function heard(name: 'createCheckRun' | 'updateCheckRun', body: unknown) {
  const { request } = operation(name);
  if (request === undefined) throw new Error(`${name} takes no body`);
  check(request, body, name);
  return bodySchema.parse(body);
}

function said(name: Parameters<typeof operation>[0], answer: object, status = 200) {
  const { response } = operation(name);
  if (response) check(response, answer, name);
  return { status, answer };
}
