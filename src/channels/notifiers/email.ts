import { createTransport } from 'nodemailer';
import { type Letter, type Links, letterOf } from '../compose';
import type { Message } from '../notice';
import { type Notifier, type Route, Undelivered } from './contract';

export interface EmailNotifierOptions {
  readonly host: string;
  readonly port: number;
  /** `none` only for a mail server on this machine. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly from: { readonly name: string; readonly address: string };
  readonly user?: string;
  readonly password?: string;
  /** Certificates to trust in place of the system's, as PEM. */
  readonly ca?: string;
  readonly links?: Links;
}

const CONNECT_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 10_000;

/** Sends messages as plain text over SMTP, without HTML. */
export class EmailNotifier implements Notifier {
  readonly #transport;

  constructor(private readonly options: EmailNotifierOptions) {
    const { host, port, security, user, password, ca } = options;
    this.#transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      // Without this, mail would go unencrypted to a server that offers no encryption.
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
      tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
      connectionTimeout: CONNECT_WITHIN_MS,
      greetingTimeout: CONNECT_WITHIN_MS,
      socketTimeout: ANSWER_WITHIN_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async deliver(message: Message, { address }: Route): Promise<undefined> {
    if (address === undefined) throw new Undelivered('there is no address to write to', true);
    const { from, links } = this.options;
    const letter = letterOf(message, links);
    try {
      await this.#transport.sendMail({
        from: { ...from },
        to: { name: '', address },
        subject: letter.subject,
        text: textOf(letter, message.person),
        messageId: `<${message.id}@${from.address.split('@').at(-1)}>`,
        date: new Date(message.createdAtMs),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      });
    } catch (error) {
      throw undelivered(error);
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** Returns the text of a mail. */
export function textOf({ items, more, closing }: Letter, person: string): string {
  const blocks = items.map(({ headline, facts, quote, commands, page }, index) =>
    [
      `${index + 1}. ${headline}`,
      ...facts.map((fact) => `   ${fact}`),
      ...(quote === undefined ? [] : [`   the requester's own words, checked by nobody: "${quote}"`]),
      ...commands.map((command) => `     ${command}`),
      ...(page === undefined ? [] : [`     ${page}`]),
    ].join('\n'),
  );
  const rest = more > 0 ? [`And ${more} more: countersign request list --awaiting ${person}`] : [];
  return `${[`To ${person}.`, ...blocks, ...rest, closing].join('\n\n')}\n`;
}

/** Says what went wrong in our own words, because a mail server's answer may contain anything. */
function undelivered(error: unknown): Undelivered {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const status = error instanceof Error && 'responseCode' in error ? error.responseCode : undefined;
  if (code === 'EAUTH') return new Undelivered('the mail server refused the login');
  if (code === 'ETLS') return new Undelivered('the mail server offers no encryption that can be trusted');
  if (typeof status === 'number')
    return new Undelivered(
      code === 'EENVELOPE'
        ? `the mail server refused an address (${status})`
        : `the mail server answered ${status}`,
      status >= 500 && status < 600,
    );
  return new Undelivered(
    `the mail server cannot be reached (${KNOWN.find((one) => one === code) ?? 'no code'})`,
  );
}

const KNOWN = ['ECONNECTION', 'ECONNREFUSED', 'ETIMEDOUT', 'EDNS', 'ESOCKET', 'EPROTOCOL'] as const;
