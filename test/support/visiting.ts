import type { Answer, Call, Web } from '../integration/gateway/support/http';
import type { PageStack } from './pages';

/** Uses the pages as a browser does, without one. */
export class Visiting {
  constructor(
    private readonly stack: PageStack,
    private readonly web: Web,
  ) {}

  /** What a browser sends with a form or a script of our own page. */
  get ours() {
    return { origin: this.stack.origin, 'sec-fetch-site': 'same-origin' };
  }

  /** Signs a person in with their passkey. Returns the cookie of the session. */
  async session(person: string): Promise<string> {
    const { origin } = this.stack;
    const begun = await this.web.call('/sign-in/begin', { body: {}, headers: this.ours });
    const envelope = this.stack
      .passkey(person)
      .sign({}, { claims: String(begun.json.claims), origin, rpId: 'localhost' });
    const headers = { ...this.ours, cookie: cookieOf(begun) };
    const answer = await this.web.call('/sign-in', { body: envelope, headers });
    if (answer.status !== 200) throw new Error(`${person} is not signed in: ${answer.text}`);
    return cookieOf(answer);
  }

  get(path: string, cookie = '', headers: Call['headers'] = {}): Promise<Answer> {
    return this.web.call(path, { headers: { accept: 'text/html', cookie, ...headers } });
  }

  /** Sends a plain form, as of our own page unless the headers say otherwise. */
  form(
    path: string,
    cookie: string,
    fields: Readonly<Record<string, string>>,
    headers: Call['headers'] = {},
  ): Promise<Answer> {
    const type = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
    const raw = new URLSearchParams(fields).toString();
    return this.web.call(path, {
      method: 'POST',
      raw,
      headers: { ...type, ...this.ours, cookie, ...headers },
    });
  }
}

/** The first cookie that an answer sets to something. */
function cookieOf({ headers }: Answer): string {
  const set = [headers['set-cookie'] ?? []].flat().find((one) => !/=;/.test(one));
  return set?.split(';')[0] ?? '';
}
