import { type Answer, type Call, Web } from '../integration/gateway/support/http';
import type { PageStack } from './pages';

const cookiesOf = ({ headers }: Answer): readonly string[] => [headers['set-cookie'] ?? []].flat();
const pairOf = (cookie = ''): string => cookie.split(';')[0] ?? '';

/** Somebody who is signed in to the pages by their passkey, without a browser. */
export class PageVisitor {
  private constructor(
    private readonly stack: PageStack,
    private readonly web: Web,
    private readonly session: string,
  ) {}

  static async signIn(stack: PageStack, person: string): Promise<PageVisitor> {
    const web = new Web(stack.origin);
    const headers = { origin: stack.origin, 'sec-fetch-site': 'same-origin' };
    const begun = await web.call('/sign-in/begin', { body: {}, headers });
    const claims = String(begun.json.claims);
    const envelope = stack
      .passkey(person)
      .sign({}, { claims, origin: stack.origin, rpId: new URL(stack.origin).hostname });
    const cookie = pairOf(cookiesOf(begun)[0]);
    const answer = await web.call('/sign-in', { body: envelope, headers: { ...headers, cookie } });
    if (answer.status !== 200) throw new Error(`${person} was not signed in: ${answer.text}`);
    return new PageVisitor(stack, web, pairOf(cookiesOf(answer).find((one) => !/=;/.test(one))));
  }

  get(path: string, headers: Call['headers'] = {}): Promise<Answer> {
    return this.web.call(path, { headers: { accept: 'text/html', cookie: this.session, ...headers } });
  }

  /** Sends what a script or a form of our own pages would send. */
  post(path: string, call: Pick<Call, 'body' | 'raw' | 'headers'>): Promise<Answer> {
    const ours = { origin: this.stack.origin, 'sec-fetch-site': 'same-origin', cookie: this.session };
    return this.web.call(path, { ...call, method: 'POST', headers: { ...ours, ...call.headers } });
  }
}
