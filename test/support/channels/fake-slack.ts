import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** What an app may send, by Slack's reference of Block Kit and of the methods. */
const block = z.looseObject({ type: z.string(), block_id: z.string().max(255).optional() });
const postSchema = z.looseObject({
  channel: z.string().min(1),
  text: z.string().max(40_000),
  blocks: z.array(block).max(50),
  ts: z.string().optional(),
});
type SlackPost = z.output<typeof postSchema>;

/** One message as members see it now. */
interface ShownMessage extends SlackPost {
  readonly ts: string;
  readonly updates: number;
}

interface SlackCall {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Plays the part of Slack's Web API that the product calls, as its reference says: JSON or forms in, `ok` or `error` out. */
export class FakeSlack {
  readonly calls: SlackCall[] = [];
  readonly messages = new Map<string, ShownMessage>();
  readonly members = new Map<string, Readonly<Record<string, unknown>>>();
  /** How the next calls are answered, in place of what is true. */
  answer: { readonly status: number; readonly body?: unknown; readonly retryAfter?: string } | undefined;
  scopes = 'chat:write,users:read,commands';
  workspace = 'T0ACME';
  readonly #server: Server;
  #count = 0;

  private constructor(private readonly token: string) {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(token = 'xoxb-token'): Promise<FakeSlack> {
    const slack = new FakeSlack(token);
    await new Promise<void>((listening) => slack.#server.listen(0, '127.0.0.1', listening));
    return slack;
  }

  get apiUrl(): string {
    const address = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}/api`;
  }

  called(method: string): readonly SlackCall[] {
    return this.calls.filter((one) => one.method === method);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = request.headers['content-type']?.startsWith('application/json') === true;
    const body = z
      .record(z.string(), z.unknown())
      .parse(isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text)));
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const { authorization } = request.headers;
    this.calls.push({ method, authorization, body });
    const forced = this.answer;
    const said =
      forced?.body ??
      (authorization === `Bearer ${this.token}`
        ? this.#do(method, body)
        : { ok: false, error: 'invalid_auth' });
    response
      .writeHead(forced?.status ?? 200, {
        'content-type': 'application/json',
        'x-oauth-scopes': this.scopes,
        ...(forced?.retryAfter !== undefined && { 'retry-after': forced.retryAfter }),
      })
      .end(JSON.stringify(said));
  }

  #do(method: string, body: Readonly<Record<string, unknown>>): object {
    switch (method) {
      case 'auth.test':
        return { ok: true, team_id: this.workspace, team: 'Acme', user_id: 'U0BOT', bot_id: 'B0BOT' };
      case 'users.info': {
        const id = String(body['user']);
        return { ok: true, user: this.members.get(id) ?? { id, team_id: this.workspace } };
      }
      case 'chat.postMessage': {
        const post = postSchema.parse(body);
        this.#count += 1;
        const ts = `1700000000.${String(this.#count).padStart(6, '0')}`;
        // A message to a member is in the conversation with that member.
        const channel = post.channel.replace(/^U/, 'D');
        this.messages.set(ts, { ...post, channel, ts, updates: 0 });
        return { ok: true, channel, ts };
      }
      case 'chat.update': {
        const post = postSchema.parse(body);
        const old = this.messages.get(post.ts ?? '');
        if (old === undefined || old.channel !== post.channel)
          return { ok: false, error: 'message_not_found' };
        this.messages.set(old.ts, { ...post, ts: old.ts, updates: old.updates + 1 });
        return { ok: true, channel: old.channel, ts: old.ts };
      }
      default:
        return { ok: true };
    }
  }
}
