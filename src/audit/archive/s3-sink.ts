import { createHash, createHmac } from 'node:crypto';
import { AlreadyWritten, type ArchiveSink, checkedName, LARGEST_ITEM_BYTES, TooLarge } from './sink';

export interface S3Options {
  /** `https://s3.eu-central-1.amazonaws.com`, or whatever speaks S3. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before every name; empty, or ending in a slash. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly nowMs?: () => number;
}

const ANSWER_WITHIN_MS = 30_000;

/**
 * An archive in S3-compatible storage. Objects are written only if there is none of that name. Object
 * lock and versioning of the bucket are the operator's to set.
 */
export class S3Sink implements ArchiveSink {
  constructor(private readonly options: S3Options) {}

  get place(): string {
    return `s3://${this.options.bucket}/${this.options.prefix}`;
  }

  async has(name: string): Promise<boolean> {
    const { status } = await this.#send('HEAD', this.#keyOf(name));
    if (status === 404) return false;
    if (status === 200) return true;
    throw new Error(`the storage answered ${status}`);
  }

  async put(name: string, content: Buffer): Promise<void> {
    const key = this.#keyOf(name);
    // Not every storage supports the condition, so also ask first.
    const there = await this.get(name);
    if (there === undefined) {
      const { status } = await this.#send('PUT', key, { content, headers: { 'if-none-match': '*' } });
      if (status === 200) return;
      // 412: it exists by now. 409: another writer is writing it.
      if (status !== 412 && status !== 409) throw new Error(`the storage answered ${status}`);
    }
    const stored = there ?? (await this.get(name));
    if (stored === undefined) throw new Error('another writer is writing this name; try again');
    if (!stored.equals(content)) throw new AlreadyWritten(name);
  }

  async get(name: string): Promise<Buffer | undefined> {
    const { status, body } = await this.#send('GET', this.#keyOf(name));
    if (status === 404) return undefined;
    if (status === 200) return body;
    throw new Error(`the storage answered ${status}`);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      const { status, body } = await this.#send('GET', '', {
        query: {
          'list-type': '2',
          prefix: this.options.prefix + prefix,
          ...(token !== undefined && { 'continuation-token': token }),
        },
      });
      if (status !== 200) throw new Error(`the storage answered ${status}`);
      const xml = body.toString('utf8');
      for (const [, key = ''] of xml.matchAll(/<Key>([^<]*)<\/Key>/g))
        names.push(unescaped(key).slice(this.options.prefix.length));
      token = unescaped(/<NextContinuationToken>([^<]*)</.exec(xml)?.[1] ?? '') || undefined;
    } while (token !== undefined);
    return names.sort();
  }

  async close(): Promise<void> {}

  #keyOf(name: string): string {
    return this.options.prefix + checkedName(name);
  }

  async #send(
    method: string,
    key: string,
    {
      content = Buffer.alloc(0),
      query = {},
      headers = {},
    }: {
      readonly content?: Buffer;
      readonly query?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<{ readonly status: number; readonly body: Buffer }> {
    const url = new URL(this.options.endpoint);
    url.pathname = `/${[this.options.bucket, ...key.split('/')].filter(Boolean).map(encoded).join('/')}`;
    const search = Object.entries(query)
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&');
    const signed = this.#sign(method, url, search, content, headers);
    try {
      const response = await fetch(`${url.origin}${url.pathname}${search && `?${search}`}`, {
        method,
        headers: signed,
        ...(method === 'PUT' && { body: new Uint8Array(content) }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      return { status: response.status, body: await bodyOf(response, key) };
    } catch (error) {
      if (error instanceof TooLarge) throw error;
      // The cause may name the address with its credentials.
      throw new Error('the storage cannot be reached');
    }
  }

  /** AWS Signature Version 4. */
  #sign(
    method: string,
    url: URL,
    search: string,
    content: Buffer,
    headers: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    const { region, accessKeyId, secretAccessKey, sessionToken, nowMs = Date.now } = this.options;
    const time = new Date(nowMs()).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const payload = sha256(content);
    const all: Record<string, string> = {
      ...headers,
      host: url.host,
      'x-amz-content-sha256': payload,
      'x-amz-date': time,
      ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
    };
    const names = Object.keys(all).sort();
    const canonical = [
      method,
      url.pathname,
      search,
      ...names.map((name) => `${name}:${all[name]}`),
      '',
      names.join(';'),
      payload,
    ].join('\n');
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(Buffer.from(canonical))].join('\n');
    const key = [time.slice(0, 8), region, 's3', 'aws4_request'].reduce<Buffer | string>(
      (before, part) => createHmac('sha256', before).update(part).digest(),
      `AWS4${secretAccessKey}`,
    );
    const signature = createHmac('sha256', key).update(toSign).digest('hex');
    const { host: _host, ...sent } = all;
    return {
      ...sent,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    };
  }
}

/** Reads the body up to the largest size of an item; stops reading there. */
async function bodyOf({ body }: Response, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > LARGEST_ITEM_BYTES) throw new TooLarge(key);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** RFC 3986, as the signature wants it. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
