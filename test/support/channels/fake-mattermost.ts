import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { freePort } from '../../../src/stack/free-port';

const id = z.string().regex(/^[a-z0-9]{26}$/);

/** What Mattermost takes for a post with buttons, as its API and its page about interactive messages describe it. */
const postSchema = z.strictObject({
  channel_id: id,
  message: z.string().max(16_383),
  props: z.strictObject({
    attachments: z.array(
      z.strictObject({
        text: z.string(),
        actions: z.array(
          z.strictObject({
            id: z.string().regex(/^[A-Za-z0-9]+$/),
            type: z.literal('button'),
            name: z.string(),
            style: z.enum(['good', 'warning', 'danger', 'default', 'primary', 'success']),
            integration: z.strictObject({ url: z.url(), context: z.record(z.string(), z.unknown()) }),
          }),
        ),
      }),
    ),
  }),
});
type FakePost = z.output<typeof postSchema>;

export interface FakeUser {
  readonly id: string;
  readonly delete_at: number;
  readonly roles: string;
  readonly is_bot?: boolean;
  readonly remote_id?: string;
}

const idOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .padEnd(26, '0')
    .slice(0, 26);
const BOT = idOf('bot');
export const MIRA = idOf('mira');
export const EVE = idOf('eve');

/** A server of Mattermost, written from Mattermost's published description of its API (version 4). */
export class FakeMattermost {
  readonly posts = new Map<string, FakePost>();
  readonly users = new Map<string, FakeUser>(
    [BOT, MIRA, EVE].map((one) => [
      one,
      { id: one, delete_at: 0, roles: 'system_user', is_bot: one === BOT },
    ]),
  );
  /** What did not fit the description. */
  readonly wrong: string[] = [];
  /** Answers with this in place of its own: outages and limits. */
  trouble: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  #server: Server | undefined;
  readonly #conversations = new Map<string, readonly string[]>();

  private constructor(
    readonly port: number,
    readonly token: string,
  ) {}

  static async start(token: string): Promise<FakeMattermost> {
    const one = new FakeMattermost(await freePort(), token);
    const server = createServer((request, response) => {
      void one.#serve(request, response).catch((error: unknown) => {
        one.wrong.push(String(error));
        response.writeHead(400).end('{}');
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

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** What Mattermost sends when a member presses the button of a post. Returns undefined if the post has none. */
  press(post: string, account: string) {
    const found = this.posts.get(post);
    const action = found?.props.attachments[0]?.actions[0];
    if (found === undefined || action === undefined) return undefined;
    const body = {
      ...{ user_id: account, user_name: 'somebody', post_id: post, channel_id: found.channel_id },
      ...{ channel_name: 'x', team_id: '', team_domain: '', trigger_id: `${Math.random()}`, type: '' },
      ...{ data_source: '', context: action.integration.context },
    };
    return { url: action.integration.url, body };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    if (this.trouble !== undefined)
      return void response.writeHead(this.trouble.status, this.trouble.headers).end('{}');
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    const { status, answer } =
      headers.authorization === `Bearer ${this.token}`
        ? this.#answer(`${method} ${url}`, text === '' ? undefined : JSON.parse(text))
        : { status: 401, answer: { message: 'Invalid or expired session, please login again.' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #answer(call: string, body: unknown): { status: number; answer: object } {
    if (call === 'GET /api/v4/users/me') return { status: 200, answer: this.users.get(BOT) ?? {} };
    const [, user] = /^GET \/api\/v4\/users\/([a-z0-9]{26})$/.exec(call) ?? [];
    if (user !== undefined) return found(this.users.get(user));
    if (call === 'POST /api/v4/channels/direct') {
      const members = z.tuple([id, id]).parse(body);
      if (!members.every((one) => this.users.has(one))) return { status: 404, answer: {} };
      const conversation = idOf(`dm${members[1]}`);
      this.#conversations.set(conversation, members);
      return { status: 201, answer: { id: conversation, type: 'D' } };
    }
    if (call === 'POST /api/v4/posts') {
      const post = postSchema.parse(body);
      if (!this.#conversations.has(post.channel_id)) return { status: 403, answer: {} };
      const made = idOf(`post${this.posts.size}`);
      this.posts.set(made, post);
      return { status: 201, answer: { id: made, user_id: BOT, channel_id: post.channel_id } };
    }
    const [, changed = ''] = /^PUT \/api\/v4\/posts\/([a-z0-9]{26})\/patch$/.exec(call) ?? [];
    const known = this.posts.get(changed);
    if (known === undefined) return { status: 404, answer: {} };
    const patch = postSchema.omit({ channel_id: true }).parse(body);
    this.posts.set(changed, { ...known, ...patch });
    return { status: 200, answer: { id: changed } };
  }
}

const found = (user: FakeUser | undefined) =>
  user === undefined ? { status: 404, answer: {} } : { status: 200, answer: user };
