import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { GatewayContext } from '../gateway/http/app';
import { PROVIDER_MS } from './identity-provider';
import { SESSION_MS, SIGN_IN_MS } from './sessions';

const KINDS = {
  /** Lax, because a person arrives from a link in a message. It only reads, so a link can do nothing with it. */
  session: { name: 'countersign', sameSite: 'Lax', lifeMs: SESSION_MS },
  signIn: { name: 'countersign-sign-in', sameSite: 'Strict', lifeMs: SIGN_IN_MS },
  /** Lax, because the identity provider sends the browser back. */
  provider: { name: 'countersign-provider', sameSite: 'Lax', lifeMs: PROVIDER_MS },
} as const;
type Kind = keyof typeof KINDS;

/**
 * The cookies of the pages. Over https their names begin with `__Host-`, which ties them to this very host. Over http on this
 * machine some browsers refuse that, and all ports share their cookies; there the name has the port.
 */
export class Cookies {
  readonly #isSecure: boolean;
  readonly #suffix: string;

  constructor(origin: string) {
    const { protocol, port } = new URL(origin);
    this.#isSecure = protocol === 'https:';
    this.#suffix = this.#isSecure ? '' : `-${port || '80'}`;
  }

  read(c: GatewayContext, kind: Kind): string | undefined {
    const name = `${KINDS[kind].name}${this.#suffix}`;
    return this.#isSecure ? getCookie(c, name, 'host') : getCookie(c, name);
  }

  write(c: GatewayContext, kind: Kind, value: string): void {
    const { name, sameSite, lifeMs } = KINDS[kind];
    setCookie(c, `${name}${this.#suffix}`, value, {
      ...this.#scope,
      ...{ httpOnly: true, sameSite, maxAge: lifeMs / 1_000 },
    });
  }

  clear(c: GatewayContext, kind: Kind): void {
    deleteCookie(c, `${KINDS[kind].name}${this.#suffix}`, this.#scope);
  }

  get #scope() {
    return this.#isSecure ? ({ prefix: 'host', path: '/', secure: true } as const) : { path: '/' };
  }
}
