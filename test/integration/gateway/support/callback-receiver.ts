import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { webhookSignature } from '../../../../src/outbound/standard-webhooks';

const SECRET = Buffer.from('a shared secret of thirty-two byte');

export interface Notice {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An endpoint that is told of tasks, keeps what it is told, and fails as often as it is asked to. */
export class CallbackReceiver {
  readonly received: Notice[] = [];
  failures = 0;

  private constructor(
    private readonly server: Server,
    readonly secretFile: string,
  ) {}

  static async start(): Promise<CallbackReceiver> {
    const secretFile = path.join(tmpdir(), `countersign-webhook-${randomUUID()}`);
    writeFileSync(secretFile, `whsec_${SECRET.toString('base64')}`);
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        one.received.push({ headers: request.headers, body });
        response.statusCode = one.failures-- > 0 ? 500 : 204;
        response.end();
      });
    });
    const one = new CallbackReceiver(server, secretFile);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return one;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks`;
  }

  stop(): void {
    this.server.close();
    rmSync(this.secretFile, { force: true });
  }
}

/** The signature that a notice has to bear, by Standard Webhooks. */
export function signatureOf({ headers, body }: Notice): string {
  return webhookSignature(SECRET, String(headers['webhook-id']), String(headers['webhook-timestamp']), body);
}
