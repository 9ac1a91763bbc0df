import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { freePort } from '../../../src/stack/free-port';

/** How a merge request stands at GitLab. */
export interface FakeMergeRequest {
  projectId: number;
  state: 'opened' | 'closed' | 'locked' | 'merged';
  sha: string;
  branch: string;
}

/** A status that GitLab took. */
export interface TakenStatus {
  readonly mergeRequest: number;
  readonly check: number;
  readonly sha: string;
  readonly status: string;
}

/** The parameters of "Set status of an external status check", as GitLab's documentation of its API has them. */
const statusSchema = z.strictObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  external_status_check_id: z.int(),
  status: z.enum(['pending', 'passed', 'failed']),
});

/** GitLab's API for external status checks, written from GitLab's documentation of it. */
export class FakeGitlab {
  readonly mergeRequests = new Map<number, FakeMergeRequest>();
  readonly statuses: TakenStatus[] = [];
  readonly calls: string[] = [];
  /** What did not fit the documentation. */
  readonly wrong: string[] = [];
  /** Answers with this in place of its own: outages and limits. */
  trouble: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  #server: Server | undefined;

  private constructor(
    readonly port: number,
    readonly token: string,
    readonly projectId: number,
    readonly checks: readonly number[],
  ) {}

  static async start(token: string, projectId: number, checks: readonly number[]): Promise<FakeGitlab> {
    const one = new FakeGitlab(await freePort(), token, projectId, checks);
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
    const { method = '', url = '' } = request;
    this.calls.push(`${method} ${url}`);
    if (this.trouble !== undefined)
      return void response.writeHead(this.trouble.status, this.trouble.headers).end('{}');
    const text = Buffer.concat(chunks).toString();
    const { status, answer } =
      request.headers['private-token'] === this.token
        ? this.#answer(method, url, text === '' ? undefined : JSON.parse(text))
        : { status: 401, answer: { message: '401 Unauthorized' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #answer(method: string, url: string, body: unknown) {
    const [, project, iid, rest] =
      /^\/api\/v4\/projects\/(\d+)\/merge_requests\/(\d+)(\/status_check_responses)?$/.exec(url) ?? [];
    const found = this.mergeRequests.get(Number(iid));
    if (Number(project) !== this.projectId || found === undefined)
      return { status: 404, answer: { message: '404 Not found' } };
    const { projectId, state, sha, branch } = found;
    if (method === 'GET' && rest === undefined)
      return {
        status: 200,
        answer: { iid: Number(iid), project_id: projectId, state, sha, target_branch: branch, title: 'x' },
      };
    if (method !== 'POST' || rest === undefined) return { status: 405, answer: {} };
    const read = statusSchema.parse(body);
    if (!this.checks.includes(read.external_status_check_id)) return { status: 404, answer: {} };
    if (read.sha !== sha) return { status: 409, answer: { message: 'sha must be the HEAD' } };
    this.statuses.push({
      mergeRequest: Number(iid),
      check: read.external_status_check_id,
      sha,
      status: read.status,
    });
    return { status: 201, answer: { id: 1 } };
  }
}
