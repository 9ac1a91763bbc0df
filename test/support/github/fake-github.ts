import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { jwtVerify } from 'jose';
import { freePort } from '../../../src/stack/free-port';
import { check, operation } from './schemas';

/** How a run and its deployment stand at GitHub. */
export interface FakeRun {
  status: string;
  startedAtMs: number;
  repository: number;
  deployments: Map<number, { sha: string; environment: string; createdAtMs: number }>;
}

/** An answer that GitHub took. */
export interface TakenAnswer {
  readonly run: number;
  readonly environment: string;
  readonly state: string;
  readonly comment: string;
}

/**
 * GitHub's API for an App with a deployment protection rule. What it is sent and what it answers is checked by GitHub's own OpenAPI document.
 */
export class FakeGithub {
  readonly runs = new Map<number, FakeRun>();
  readonly answers: TakenAnswer[] = [];
  /** Calls of the API, each with its method. */
  readonly calls: string[] = [];
  /** What did not fit GitHub's document, or came without the right token. */
  readonly wrong: string[] = [];
  /** Answers with this in place of its own: outages and limits. */
  trouble: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  readonly privateKey: string;
  readonly #publicKey: KeyObject;
  readonly #tokens = new Map<string, { installation: number; repositories: readonly number[] }>();
  #server: Server | undefined;

  private constructor(
    readonly app: string,
    readonly port: number,
    private readonly repository: string,
  ) {
    // GitHub hands out keys in this form.
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    this.privateKey = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    this.#publicKey = publicKey;
  }

  static async start(app: string, repository: string): Promise<FakeGithub> {
    const one = new FakeGithub(app, await freePort(), repository);
    await one.open();
    return one;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#serve(request, response).catch((error: unknown) => {
        this.wrong.push(String(error));
        response.writeHead(500).end();
      });
    });
    this.#server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const { method = '', url = '' } = request;
    this.calls.push(`${method} ${url}`);
    if (this.trouble !== undefined)
      return void response.writeHead(this.trouble.status, this.trouble.headers).end('{}');
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    const { status, answer } =
      scheme === 'Bearer'
        ? await this.#asApp(url, token, body)
        : this.#asInstallation(method, url, token, body);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(answer === undefined ? undefined : JSON.stringify(answer));
  }

  async #asApp(url: string, token: string, body: unknown) {
    const { payload } = await jwtVerify(token, this.#publicKey, { algorithms: ['RS256'], issuer: this.app });
    if ((payload.exp ?? 0) - (payload.iat ?? 0) > 600) throw new Error('GitHub takes ten minutes at most');
    const [, installation] = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(url) ?? [];
    if (installation === undefined) return { status: 404, answer: {} };
    const { request, response } = operation('installationToken');
    if (request) check(request, body, 'the request for a token');
    const repositories = (body as { repository_ids?: number[] }).repository_ids ?? [];
    const made = `ghs_${this.#tokens.size}`;
    this.#tokens.set(made, { installation: Number(installation), repositories });
    const answer = { token: made, expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    if (response) check(response, answer, 'the token');
    return { status: 201, answer };
  }

  #asInstallation(method: string, url: string, token: string, body: unknown) {
    const known = this.#tokens.get(token);
    if (known === undefined) return { status: 401, answer: {} };
    const [, repository, kind, id, rest = ''] =
      /^\/repos\/([^/]+\/[^/]+)\/(actions\/runs|deployments)\/(\d+)(\/.*)?$/.exec(url) ?? [];
    if (repository !== this.repository) return { status: 404, answer: {} };
    if (kind === 'deployments') return this.#deployment(Number(id));
    const run = this.runs.get(Number(id));
    if (run === undefined || !known.repositories.includes(run.repository)) return { status: 404, answer: {} };
    if (method === 'GET' && rest === '') {
      const answer = {
        id: Number(id),
        status: run.status,
        run_started_at: new Date(run.startedAtMs).toISOString(),
        repository: { id: run.repository },
      };
      const { response } = operation('run');
      if (response) check(response, answer, 'the run');
      return { status: 200, answer };
    }
    if (method !== 'POST' || rest !== '/deployment_protection_rule') return { status: 404, answer: {} };
    if (run.status !== 'waiting') return { status: 422, answer: {} };
    const { request } = operation('answerRule');
    if (request) check(request, body, 'the answer');
    const { environment_name: environment, state, comment } = body as Record<string, string>;
    this.answers.push({
      run: Number(id),
      environment: environment ?? '',
      state: state ?? '',
      comment: comment ?? '',
    });
    return { status: 204, answer: undefined };
  }

  #deployment(id: number) {
    for (const { deployments } of this.runs.values()) {
      const one = deployments.get(id);
      if (one === undefined) continue;
      const { sha, environment, createdAtMs } = one;
      const answer = { id, sha, environment, created_at: new Date(createdAtMs).toISOString() };
      const { response } = operation('deployment');
      if (response) check(response, answer, 'the deployment');
      return { status: 200, answer };
    }
    return { status: 404, answer: {} };
  }
}
