import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Directory } from '../../directory/directory';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { Once } from '../../signing/seen';
import type { GatewayConfig } from '../config';
import { type GatewayKeys, TOKEN_TYPES } from '../keys';
import type { Caller, TokenVerifier, Unrecognised } from './caller';
import type { EndedSessions } from './ended-sessions';
import { holderOf, type RecognisedBy, type SessionClaims, sessionClaimsSchema } from './session-holder';

/** From the answer in the browser to its exchange by the program that waits for it. */
const CODE_MS = 60_000;
const READER_MS = 8 * 3_600_000;

export interface ReaderTokensOptions {
  readonly keys: GatewayKeys;
  readonly publicUrl: string;
  readonly directory: () => Promise<Directory>;
  readonly signIn: GatewayConfig['signIn'];
  readonly ended: EndedSessions;
  /** Codes that were exchanged. */
  readonly used: Once;
  readonly nowMs: () => number;
}

/** What a program reads with, in the name of the person who let it. */
export interface Reader {
  readonly token: string;
  readonly person: PrincipalId;
  readonly expiresAtMs: number;
}

/**
 * Lets the command line read as a person who signed in in a browser. The browser gives a program on its own machine a code, and only
 * the program that began can exchange it (PKCE, RFC 7636). The token reads: it signs nothing, and submits nothing.
 */
export class ReaderTokens implements TokenVerifier {
  constructor(private readonly options: ReaderTokensOptions) {}

  /** Makes a code for the program that knows what `challenge` is the SHA-256 of. */
  async codeFor(sub: PrincipalId, by: RecognisedBy, challenge: string): Promise<string> {
    const { keys, nowMs } = this.options;
    const iat = Math.floor(nowMs() / 1_000);
    const times = { iat, exp: iat + CODE_MS / 1_000, jti: randomUUID() };
    return keys.sign('login', { ...this.#parties, sub, ...by, challenge, ...times });
  }

  /** Exchanges a code, once. Returns undefined if it does not hold, and says not why. */
  async redeem(code: string, verifier: string): Promise<Reader | undefined> {
    const { keys, used, nowMs } = this.options;
    const claims = await this.#claimsOf('login', code);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (claims === undefined || !('challenge' in claims) || claims.challenge !== challenge) return undefined;
    if (!(await used.first(claims.jti, claims.exp * 1_000))) return undefined;
    if (!(await this.#isHeld(claims))) return undefined;
    const iat = Math.floor(nowMs() / 1_000);
    const exp = iat + READER_MS / 1_000;
    const by = 'seen' in claims ? { seen: claims.seen } : { kid: claims.kid };
    const said = { ...this.#parties, sub: claims.sub, ...by, iat, exp, jti: randomUUID() };
    return { token: await keys.sign('reader', said), person: claims.sub, expiresAtMs: exp * 1_000 };
  }

  /** Ends a token before its time. Does nothing to what is not one. */
  async end(token: string): Promise<void> {
    const claims = await this.#claimsOf('reader', token);
    if (claims !== undefined) await this.options.ended.end(claims.jti, claims.exp * 1_000);
  }

  concerns(header: Readonly<Record<string, unknown>>): boolean {
    return header['typ'] === TOKEN_TYPES.reader;
  }

  async verify(token: string): Promise<Caller | Unrecognised> {
    const claims = await this.#claimsOf('reader', token);
    if (claims === undefined) return { why: 'it has expired, or is for another gateway' };
    if (!(await this.#isHeld(claims)))
      return { why: 'its person, passkey or identity provider counts no more' };
    if (await this.options.ended.has(claims.jti)) return { why: 'it was logged out' };
    const { sub, exp } = claims;
    const { issuer, subject } =
      'seen' in claims ? claims.seen : { issuer: this.options.publicUrl, subject: claims.kid };
    return {
      principal: sub,
      onBehalfOf: [],
      via: { issuer, subject, token: digestOfText(token) },
      chain: [{ issuer, subject }],
      expiresAtMs: exp * 1_000,
      readsOnly: true,
    };
  }

  get #parties() {
    return { iss: this.options.publicUrl, aud: this.options.publicUrl };
  }

  async #claimsOf(type: 'login' | 'reader', token: string) {
    const { keys, publicUrl, nowMs } = this.options;
    const parties = { issuer: publicUrl, audience: publicUrl, nowMs: nowMs() };
    const claims = claimsSchema.safeParse(await keys.verify(type, token, parties));
    return claims.success ? claims.data : undefined;
  }

  async #isHeld(claims: SessionClaims): Promise<boolean> {
    const { directory, signIn, nowMs } = this.options;
    return holderOf(claims, await directory(), signIn, nowMs()) !== undefined;
  }
}

const claimsSchema = z.intersection(sessionClaimsSchema, z.object({ challenge: z.string().exactOptional() }));
