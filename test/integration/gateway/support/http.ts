import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes, and fail where they differ
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In place of `body`: exactly these bytes. */
  readonly raw?: string | Buffer;
}

const plain = new HttpAgent({ keepAlive: true, maxSockets: 64 });

/** A plain HTTP client, that sends what it is told and nothing else. */
export class Web {
  readonly #agent: Agent | HttpAgent;

  constructor(
    readonly base: string,
    ca?: string,
  ) {
    this.#agent = ca === undefined ? plain : new Agent({ keepAlive: true, ca });
  }

  call(path: string, { method, headers = {}, body, raw }: Call = {}): Promise<Answer> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const send = this.base.startsWith('https') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(
        `${this.base}${path}`,
        {
          method: method ?? (content === undefined ? 'GET' : 'POST'),
          agent: this.#agent,
          headers: {
            ...(content !== undefined && { 'content-type': 'application/json' }),
            ...(content !== undefined &&
              headers['transfer-encoding'] === undefined && { 'content-length': Buffer.byteLength(content) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
          });
        },
      );
      request.on('error', reject);
      request.end(content);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
