import { createDecipheriv, createECDH, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The receiving side of RFC 8291 (Message Encryption for Web Push), written from the specification: what a browser does. */
export class PushReceiver {
  readonly #ecdh = createECDH('prime256v1');

  constructor(
    privateKey?: Buffer,
    readonly auth: Buffer = randomBytes(16),
  ) {
    if (privateKey === undefined) this.#ecdh.generateKeys();
    else this.#ecdh.setPrivateKey(privateKey);
  }

  get keys() {
    return { p256dh: this.#ecdh.getPublicKey('base64url'), auth: this.auth.toString('base64url') };
  }

  /** Decrypts one record of aes128gcm (RFC 8188 section 2). @throws Error if it is not for this receiver */
  decrypt(body: Buffer): string {
    const [salt, idLength] = [body.subarray(0, 16), body.readUInt8(20)];
    const sender = body.subarray(21, 21 + idLength);
    const record = body.subarray(21 + idLength);
    const secret = this.#ecdh.computeSecret(sender);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#ecdh.getPublicKey(), sender]);
    const pseudoRandom = createHmac('sha256', this.auth).update(secret).digest();
    const material = createHmac('sha256', pseudoRandom).update(info).update(Buffer.of(1)).digest();
    const derive = (label: string, size: number) =>
      Buffer.from(hkdfSync('sha256', material, salt, `Content-Encoding: ${label}\0`, size));
    const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    decipher.setAuthTag(record.subarray(-16));
    const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    const end = padded.lastIndexOf(2);
    if (end < 0) throw new Error('no end of the last record');
    return padded.subarray(0, end).toString('utf8');
  }
}

export interface Pushed {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A push service on loopback. It takes what it is sent, or answers what a test wants. */
export class PushService {
  readonly pushed: Pushed[] = [];
  /** The status that it answers, by path. */
  readonly answers = new Map<string, number>();

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<PushService> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        service.pushed.push({ path, headers, body: Buffer.concat(chunks) });
        response.writeHead(service.answers.get(path) ?? 201).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const service = new PushService(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    return service;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
