import type { Context } from 'hono';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { PrincipalId } from '../../domain/principal';
import type { DpopExpectation, DpopVerifier } from '../../signing/dpop';
import { BoundedMap } from '../../signing/seen';
import { HttpProblem } from '../http/problem';
import type { Caller, TokenVerifier } from './caller';

const LONGEST_TOKEN = 8_192;
/** How long a token that was verified is not verified again. A key withdrawn by its issuer counts no longer than this. */
const REMEMBER_MS = 15_000;

interface Known {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** Finds out who calls. What it cannot prove is nobody. */
export class Authenticator {
  readonly #known = new BoundedMap<Known>(10_000);

  constructor(
    private readonly verifiers: readonly TokenVerifier[],
    private readonly dpop: DpopVerifier,
    private readonly publicUrl: string,
    /** Whether the directory knows someone and has not disabled them. */
    private readonly isActive: (principal: PrincipalId) => Promise<boolean>,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Calls that this process makes to itself for a caller it has recognised. Nothing from outside can be one of them. */
  readonly #vouched = new WeakMap<Request, Caller>();

  vouchFor(request: Request, caller: Caller): void {
    this.#vouched.set(request, caller);
  }

  /**
   * @param admit what may turn the caller away, with its own error, before anything is remembered of the call
   * @throws HttpProblem 401 with `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1)
   */
  async authenticate(c: Context, admit: (caller: Caller) => void = () => undefined): Promise<Caller> {
    const vouched = this.#vouched.get(c.req.raw);
    if (vouched !== undefined) {
      if (!(await this.#areActive(vouched))) throw unauthenticated('invalid_token');
      admit(vouched);
      return vouched;
    }
    const [scheme = '', token = '', ...more] = (c.req.header('authorization') ?? '').split(' ');
    const kind = scheme.toLowerCase();
    if (token === '' || more.length > 0 || (kind !== 'bearer' && kind !== 'dpop')) throw unauthenticated();
    const caller = await this.#callerOf(token);
    // Asked at every call: whom the directory has disabled is nobody from then on, whatever their token says (TTA-6).
    if (caller === undefined || !(await this.#areActive(caller))) throw unauthenticated('invalid_token');
    const { boundKey: key } = caller;
    if (key === undefined && kind !== 'dpop') {
      admit(caller);
      return caller;
    }
    // A token that is bound to a key is worth nothing without it, whatever scheme it comes by; one that is not, not so.
    const shown = { owner: caller.principal, admit: () => admit(caller) };
    if (key === undefined || (await this.#provedKey(c, token, { key, ...shown })) === undefined)
      throw unauthenticated('invalid_dpop_proof', 'DPoP');
    return caller;
  }

  async #areActive({ principal, onBehalfOf }: Caller): Promise<boolean> {
    for (const one of [principal, ...onBehalfOf]) if (!(await this.isActive(one))) return false;
    return true;
  }

  /** The key that the caller proves to hold with this call; absent where there is no proof or a bad one. */
  async holderKey(c: Context, { principal: owner }: Pick<Caller, 'principal'>): Promise<string | undefined> {
    const [, token = ''] = (c.req.header('authorization') ?? '').split(' ');
    return this.#keys.get(c) ?? this.#provedKey(c, token, { owner });
  }

  /** One proof is checked once for each call: its id counts only once. */
  readonly #keys = new WeakMap<Context, string>();

  async #provedKey(
    c: Context,
    token: string,
    shown: Pick<DpopExpectation, 'key' | 'owner' | 'admit'>,
  ): Promise<string | undefined> {
    const proof = c.req.header('dpop');
    if (proof === undefined) return undefined;
    const url = `${this.publicUrl}${c.req.path}`;
    const key = await this.dpop.verify(proof, { method: c.req.method, url, token, ...shown });
    if (key !== undefined) this.#keys.set(c, key);
    return key;
  }

  async #callerOf(token: string): Promise<Caller | undefined> {
    if (token.length > LONGEST_TOKEN) return undefined;
    const nowMs = this.nowMs();
    const known = this.#known.get(token);
    if (known !== undefined && nowMs < known.untilMs) return known.caller;
    const caller = await this.#verify(token);
    if (caller !== undefined) {
      const untilMs = Math.min(nowMs + REMEMBER_MS, caller.expiresAtMs);
      this.#known.set(token, { caller, untilMs });
    }
    return caller;
  }

  async #verify(token: string): Promise<Caller | undefined> {
    try {
      const header = decodeProtectedHeader(token);
      const claims = decodeJwt(token);
      const verifier = this.verifiers.find((one) => one.concerns({ ...header }, claims));
      return await verifier?.verify(token);
    } catch {
      return undefined;
    }
  }
}

function unauthenticated(error?: string, scheme = 'Bearer'): HttpProblem {
  const challenge =
    error === undefined ? `${scheme} realm="countersign"` : `${scheme} realm="countersign", error="${error}"`;
  const detail =
    error === undefined ? 'a token is needed: Authorization: Bearer or DPoP' : 'the token does not hold';
  return new HttpProblem(401, detail, { headers: { 'WWW-Authenticate': challenge } });
}
