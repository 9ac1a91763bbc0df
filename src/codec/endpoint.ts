import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import type { Logger } from '../contracts/logger';
import { describeIssues } from '../contracts/problem';
import type { Readers } from './readers';

export interface CodecEndpointOptions {
  readonly codecs: readonly PayloadCodec[];
  readonly readers: Readers;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The page that may ask from a browser: the Temporal UI's origin. No other page gets an answer. */
  readonly origin: string;
  readonly logger: Logger;
}

export interface CodecEndpoint {
  readonly url: string;
  close(): Promise<void>;
}

const LARGEST_BODY_BYTES = 8 * 1024 * 1024;
const MOST_PAYLOADS = 1_000;
const SLOWEST_MS = 15_000;
const COOKIE = 'countersign_codec';

const bodySchema = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), z.base64()).optional(), data: z.base64().optional() }))
    .max(MOST_PAYLOADS),
});

/** A refusal as an HTTP answer; nothing of what was asked is repeated in it. */
class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Temporal's remote codec, as its UI and command line ask it: `POST /decode`. It only opens, never encrypts, and only
 * for readers with a token; who has read how many payloads is logged, never what. A browser signs in once on `/login`.
 */
export function startCodecEndpoint(options: CodecEndpointOptions): Promise<CodecEndpoint> {
  const server = createServer(
    { requestTimeout: SLOWEST_MS, headersTimeout: SLOWEST_MS },
    (request, response) => {
      void answer(request, response, options).catch((error: unknown) => {
        const { status, message } =
          error instanceof Refused ? error : new Refused(500, 'it could not be answered');
        if (status === 401)
          options.logger.warn({ from: request.socket.remoteAddress }, 'codec: reader refused');
        if (!response.headersSent) send(response, status, { error: message });
      });
    },
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve(running(server, options.host)));
  });
}

function running(server: Server, host: string): CodecEndpoint {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: CodecEndpointOptions,
): Promise<void> {
  const { origin, readers } = options;
  // A page of another origin cannot read an answer without these headers, and cannot ask with JSON at all.
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Vary', 'Origin');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  const { pathname } = new URL(request.url ?? '/', 'http://codec');
  if (request.method === 'OPTIONS') {
    response.setHeader('Access-Control-Allow-Methods', 'POST');
    response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, x-namespace');
    response.writeHead(204).end();
    return;
  }
  if (pathname === '/login' && request.method === 'GET') return sendLoginPage(response);
  if (pathname === '/login' && request.method === 'POST') return logIn(request, response, readers);
  if (pathname !== '/decode') throw new Refused(404, 'there is only /decode and /login');
  if (request.method !== 'POST') throw new Refused(405, 'decode with POST');
  if (request.headers.origin !== undefined && request.headers.origin !== origin)
    throw new Refused(403, 'this page may not ask');
  const reader = readers.nameOf(tokenOf(request));
  if (reader === undefined) throw new Refused(401, 'no reader; sign in on /login, or send a bearer token');
  const payloads = await decode(await readBody(request), options.codecs);
  options.logger.info({ reader, payloads: payloads.length }, 'codec: payloads opened');
  send(response, 200, { payloads });
}

async function decode(body: string, codecs: readonly PayloadCodec[]) {
  const parsed = bodySchema.safeParse(parseJson(body));
  if (!parsed.success) throw new Refused(400, describeIssues(parsed.error, 'body'));
  let payloads: Payload[] = parsed.data.payloads.map(({ metadata = {}, data = '' }) => ({
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [name, new Uint8Array(Buffer.from(value, 'base64'))]),
    ),
    data: new Uint8Array(Buffer.from(data, 'base64')),
  }));
  for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return payloads.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
    ),
    data: base64(data ?? new Uint8Array()),
  }));
}

/** From the header, as the command line sends it, or from the cookie of the sign-in. */
function tokenOf({ headers }: IncomingMessage): string | undefined {
  const bearer = /^Bearer ([\w-]+)$/.exec(headers.authorization ?? '')?.[1];
  return bearer ?? new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1];
}

async function logIn(request: IncomingMessage, response: ServerResponse, readers: Readers): Promise<void> {
  const token = new URLSearchParams(await readBody(request)).get('token') ?? '';
  if (readers.nameOf(token) === undefined) throw new Refused(401, 'this is no token of a reader');
  response.setHeader(
    'Set-Cookie',
    `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/decode; Max-Age=28800`,
  );
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end('Signed in. The Temporal UI shows clear text for the next eight hours.\n');
}

function sendLoginPage(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
  );
  response.end(
    '<!doctype html><title>Countersign codec</title><form method="post"><label>Token <input name="token" type="password" autocomplete="off"></label> <button>Sign in</button></form>\n',
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > LARGEST_BODY_BYTES) throw new Refused(413, `a body may have ${LARGEST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused(400, 'the body is no JSON');
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
