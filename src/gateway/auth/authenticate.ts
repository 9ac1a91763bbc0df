import type { Context } from 'hono';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload } from 'jose';
import { withMarks } from '../../domain/characters';
import type { PrincipalId } from '../../domain/principal';
import { DPOP_ALGORITHMS, type DpopExpectation, type DpopVerifier } from '../../signing/dpop';
import { BoundedMap } from '../../signing/seen';
import { HttpProblem } from '../http/problem';
import type { Caller, TokenVerifier, Unrecognised } from './caller';
import type { DpopNonces } from './dpop-nonces';

const LONGEST_TOKEN = 8_192;
/** How long a verified token is cached. A key that its issuer withdrew can still be used for this long at most. */
const REMEMBER_MS = 15_000;

interface Known {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** Recognises who calls, by bearer and DPoP-bound tokens. */
export class Authenticator {
  readonly #known = new BoundedMap<Known>(10_000);

  constructor(
    private readonly verifiers: readonly TokenVerifier[],
    private readonly dpop: DpopVerifier,
    private readonly publicUrl: string,
    /** Returns true if the directory knows the principal and has not disabled it. */
    private readonly isActive: (principal: PrincipalId) => Promise<boolean>,
    private readonly nowMs: () => number = Date.now,
    /** Given if proofs must have a nonce of this process. */
    private readonly nonces?: DpopNonces,
    /** Told of each token that maps to nobody. */
    private readonly unrecognised: (who: UnrecognisedToken) => void = () => undefined,
  ) {}

  /** Calls that this process makes to itself. They are keyed by object, so nothing from outside can be one of them. */
  readonly #vouched = new WeakMap<Request, Caller>();

  /** Makes `authenticate` recognise this very request as the caller's, who has been recognised already. */
  vouchFor(request: Request, caller: Caller): void {
    this.#vouched.set(request, caller);
  }

  /**
   * Returns the caller.
   *
   * @param admit may throw to turn the caller away, before the call's DPoP proof is used up
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
    // Checked at every call: an identity that the directory disabled is refused at once, whatever its token says (TTA-6).
    if (caller === undefined) throw unauthenticated('invalid_token');
    if (!(await this.#areActive(caller))) {
      const { issuer, subject } = caller.via;
      const why = `the directory has no active identity for one of ${[caller.principal, ...caller.onBehalfOf].join(', ')}`;
      this.unrecognised({ issuer, subject, why });
      throw unauthenticated('invalid_token');
    }
    const { boundKey: key, onlyFor, readsOnly } = caller;
    if (readsOnly === true && c.req.method !== 'GET')
      throw new HttpProblem(403, 'a browser sign-in only reads; sign this with a key', {
        code: 'WEAK_ASSURANCE',
      });
    if (onlyFor !== undefined && onlyFor !== c.req.path) throw unauthenticated('invalid_token');
    if (key === undefined && kind === 'bearer') {
      admit(caller);
      return caller;
    }
    // A bound token that came as a bearer token is refused, proof or no proof (RFC 9449 section 7.2); so is an unbound one as DPoP.
    if (key === undefined || kind === 'bearer') throw unproved('invalid_token');
    const shown = { owner: caller.principal, admit: () => admit(caller) };
    if ((await this.#provedKey(c, token, { key, ...shown })) === undefined)
      throw unproved('invalid_dpop_proof');
    return caller;
  }

  async #areActive({ principal, onBehalfOf }: Caller): Promise<boolean> {
    for (const one of [principal, ...onBehalfOf]) if (!(await this.isActive(one))) return false;
    return true;
  }

  /** Returns the thumbprint of the key that the caller proves to hold, or undefined without a proof or with a bad one. */
  async holderKey(c: Context, { principal: owner }: Pick<Caller, 'principal'>): Promise<string | undefined> {
    const [, token = ''] = (c.req.header('authorization') ?? '').split(' ');
    return this.#keys.get(c) ?? this.#provedKey(c, token, { owner });
  }

  /** Thumbprints of proofs already checked in this call. A proof counts once, so it cannot be checked again. */
  readonly #keys = new WeakMap<Context, string>();

  async #provedKey(
    c: Context,
    token: string,
    { admit, ...shown }: Pick<DpopExpectation, 'key' | 'owner'> & { readonly admit?: () => void },
  ): Promise<string | undefined> {
    const proof = c.req.header('dpop');
    if (proof === undefined) return undefined;
    const url = `${this.publicUrl}${c.req.path}`;
    const key = await this.dpop.verify(proof, {
      ...{ method: c.req.method, url, token, ...shown },
      admit: (nonce) => {
        this.#checkNonce(c, nonce);
        admit?.();
      },
    });
    if (key !== undefined) this.#keys.set(c, key);
    return key;
  }

  /** Every answer brings the next nonce, so that a client never has to ask for one while it keeps calling. */
  #checkNonce(c: Context, nonce: string | undefined): void {
    if (this.nonces === undefined) return;
    const headers = { 'DPoP-Nonce': this.nonces.make() };
    if (nonce === undefined || !this.nonces.isOurs(nonce)) throw unproved('use_dpop_nonce', headers);
    c.header('DPoP-Nonce', headers['DPoP-Nonce']);
  }

  async #callerOf(token: string): Promise<Caller | undefined> {
    if (token.length > LONGEST_TOKEN) return undefined;
    const nowMs = this.nowMs();
    const known = this.#known.get(token);
    if (known !== undefined && nowMs < known.untilMs) return known.caller;
    const caller = await this.#verify(token);
    // A token that reads can be logged out at any moment, and then counts no more. It is for one gateway, and cheap to verify.
    if (caller !== undefined && caller.readsOnly !== true) {
      const untilMs = Math.min(nowMs + REMEMBER_MS, caller.expiresAtMs);
      this.#known.set(token, { caller, untilMs });
    }
    return caller;
  }

  async #verify(token: string): Promise<Caller | undefined> {
    const claims = claimsIn(token);
    const { iss, sub } = claims ?? {};
    const verified = await this.#verifyBy(token, claims);
    if (!('why' in verified)) return verified;
    this.unrecognised({ issuer: nameIn(iss), subject: nameIn(sub), why: verified.why });
    return undefined;
  }

  async #verifyBy(token: string, claims: JWTPayload | undefined): Promise<Caller | Unrecognised> {
    if (claims === undefined) return { why: 'it cannot be read as a JWT' };
    try {
      const header = decodeProtectedHeader(token);
      const verifier = this.verifiers.find((one) => one.concerns({ ...header }, claims));
      return (await verifier?.verify(token)) ?? { why: 'gateway.yaml names no such issuer' };
    } catch (error) {
      // The library's codes say which check failed, and its messages may quote the token.
      return { why: error instanceof errors.JOSEError ? error.code : 'it cannot be verified' };
    }
  }
}

/** A token that maps to nobody, without the token. Nothing of it may be true, unless it was the mapping that failed. */
export interface UnrecognisedToken {
  readonly issuer: string;
  readonly subject: string;
  readonly why: string;
}

const LONGEST_NAME = 200;
const nameIn = (claim: unknown): string =>
  typeof claim === 'string' ? withMarks(claim.slice(0, LONGEST_NAME)) : 'none';

function claimsIn(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

const DPOP_CHALLENGE = `DPoP realm="countersign", algs="${DPOP_ALGORITHMS.join(' ')}"`;

/** Both schemes are named, as a call may use either (RFC 9449 section 7.2). */
function unauthenticated(error?: 'invalid_token'): HttpProblem {
  const about = error === undefined ? '' : `, error="${error}"`;
  const challenge = `Bearer realm="countersign"${about}, ${DPOP_CHALLENGE}${about}`;
  const detail =
    error === undefined ? 'a token is needed: Authorization: Bearer or DPoP' : 'the token does not hold';
  return new HttpProblem(401, detail, { headers: { 'WWW-Authenticate': challenge } });
}

const UNPROVED = {
  invalid_token: 'the token does not fit the scheme it came by: one that is bound to a key comes as DPoP',
  invalid_dpop_proof: 'the DPoP proof does not hold',
  use_dpop_nonce: 'the DPoP proof needs a nonce of this gateway; it is in the header DPoP-Nonce',
} as const;

function unproved(error: keyof typeof UNPROVED, more: Readonly<Record<string, string>> = {}): HttpProblem {
  const headers = { 'WWW-Authenticate': `${DPOP_CHALLENGE}, error="${error}"`, ...more };
  return new HttpProblem(401, UNPROVED[error], { headers });
}
