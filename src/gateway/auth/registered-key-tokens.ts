import { z } from 'zod';
import { principalId } from '../../contracts/request';
import { CALLER_TYPE } from '../../contracts/statement';
import type { DirectoryBook } from '../../directory/directory-book';
import { digestOfText } from '../../domain/digest';
import { SignatureVerifier } from '../../signing/verify';
import type { Caller, TokenVerifier } from './caller';

const SKEW_SECONDS = 60;
const LONGEST_LIFE_SECONDS = 600;

const claimsSchema = z.object({
  iss: principalId,
  sub: principalId,
  aud: z.string(),
  iat: z.number(),
  exp: z.number(),
});

/** For those who have a key in the directory and no issuer that would vouch for them. */
export class RegisteredKeyTokens implements TokenVerifier {
  readonly #verifiers = new WeakMap<DirectoryBook, SignatureVerifier>();

  constructor(
    private readonly audience: string,
    private readonly directory: () => Promise<DirectoryBook>,
    private readonly nowMs: () => number = Date.now,
  ) {}

  concerns(header: Readonly<Record<string, unknown>>): boolean {
    return header['typ'] === CALLER_TYPE;
  }

  async verify(token: string): Promise<Caller | undefined> {
    const book = await this.directory();
    const verifier = this.#verifiers.get(book) ?? new SignatureVerifier(book);
    this.#verifiers.set(book, verifier);
    const nowMs = this.nowMs();
    const verified = await verifier.verify({ format: 'jws', jws: token }, CALLER_TYPE, nowMs);
    if (!verified.ok) return undefined;
    const claims = claimsSchema.safeParse(verified.value.payload);
    if (!claims.success) return undefined;
    const { iss, sub, aud, iat, exp } = claims.data;
    if (iss !== verified.value.key.principal || sub !== iss || aud !== this.audience) return undefined;
    const nowSeconds = nowMs / 1_000;
    if (exp + SKEW_SECONDS <= nowSeconds || iat > nowSeconds + SKEW_SECONDS) return undefined;
    if (exp - iat > LONGEST_LIFE_SECONDS || exp <= iat) return undefined;
    return {
      principal: iss,
      onBehalfOf: [],
      via: { issuer: 'directory', subject: iss, token: digestOfText(token) },
      chain: [{ issuer: 'directory', subject: iss }],
      expiresAtMs: exp * 1_000,
    };
  }
}
