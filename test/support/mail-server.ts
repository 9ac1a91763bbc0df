import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { freePort } from '../../src/stack/free-port';
import { makeCertificate } from './certificate';

export interface ReceivedMail {
  readonly to: readonly string[];
  readonly encrypted: boolean;
  readonly user: unknown;
  readonly headers: string;
  /** The decoded text, as the reader sees it. */
  readonly text: string;
}

/** A real mail server on loopback that accepts mail only over TLS and after a login. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  readonly #server: SMTPServer;

  private constructor(
    readonly port: number,
    readonly certificate: ReturnType<typeof makeCertificate>,
    private readonly folder: string,
    login: { readonly user: string; readonly password: string },
  ) {
    this.#server = new SMTPServer({
      key: readFileSync(certificate.keyFile),
      cert: certificate.ca,
      authMethods: ['PLAIN', 'LOGIN'],
      onAuth: (auth, _session, callback) =>
        auth.username === login.user && auth.password === login.password
          ? callback(null, { user: login.user })
          : callback(new Error('no')),
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const [headers = '', ...body] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n');
          this.mails.push({
            to: session.envelope.rcptTo.map((one) => one.address),
            encrypted: session.secure,
            user: session.user,
            headers,
            text: decoded(headers, body.join('\r\n\r\n')),
          });
          callback();
        });
      },
    });
    // The client reports its own errors.
    this.#server.on('error', () => undefined);
  }

  static async start(login: { readonly user: string; readonly password: string }): Promise<MailServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-mail-'));
    const certificate = makeCertificate(folder);
    const server = new MailServer(await freePort(), certificate, folder, login);
    await new Promise<void>((resolve) => server.#server.listen(server.port, '127.0.0.1', () => resolve()));
    return server;
  }

  to(address: string): readonly ReceivedMail[] {
    return this.mails.filter((mail) => mail.to.includes(address));
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function decoded(headers: string, body: string): string {
  const encoding = /^content-transfer-encoding: *(\S+)/im.exec(headers)?.[1]?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
