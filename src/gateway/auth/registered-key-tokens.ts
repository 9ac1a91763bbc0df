import { z } from 'zod';
import { principalId } from '../../contracts/request';
import { CALLER_TYPE } from '../../contracts/statement';
import type { Directory } from '../../directory/directory';
import { digestOfText } from '../../domain/digest';
import { SignatureVerifier } from '../../signing/verify';
import type { Caller, TokenVerifier, Unrecognised } from './caller';

const SKEW_SECONDS = 60;
const LONGEST_LIFE_SECONDS = 600;

const claimsSchema = z.object({
  iss: principalId,
  sub: principalId,
  aud: z.string(),
  iat: z.number(),
  exp: z.number(),
});

/** Recognises callers by tokens that they sign with their own registered key. Needs no issuer. */
export class RegisteredKeyTokens implements TokenVerifier {
  readonly #verifiers = new WeakMap<Directory, SignatureVerifier>();

  constructor(
    private readonly audience: string,
    private readonly directory: () => Promise<Directory>,
    private readonly nowMs: () => number = Date.now,
  ) {}

  concerns(header: Readonly<Record<string, unknown>>): boolean {
    return header['typ'] === CALLER_TYPE;
  }

  async verify(token: string): Promise<Caller | Unrecognised> {
    const directory = await this.directory();
    const verifier = this.#verifiers.get(directory) ?? new SignatureVerifier(directory);
    this.#verifiers.set(directory, verifier);
    const nowMs = this.nowMs();
    const verified = await verifier.verify({ format: 'jws', jws: token }, CALLER_TYPE, nowMs);
    if (!verified.ok) return { why: verified.refusal.code };
    const claims = claimsSchema.safeParse(verified.value.payload);
    if (!claims.success) return { why: 'its claims are incomplete' };
    const { iss, sub, aud, iat, exp } = claims.data;
    if (iss !== verified.value.key.principal || sub !== iss)
      return { why: `it is signed by a key of ${verified.value.key.principal}` };
    if (aud !== this.audience) return { why: 'it is for another audience' };
    const nowSeconds = nowMs / 1_000;
    if (exp + SKEW_SECONDS <= nowSeconds || iat > nowSeconds + SKEW_SECONDS)
      return { why: 'it has expired, or is dated in the future' };
    if (exp - iat > LONGEST_LIFE_SECONDS || exp <= iat)
      return { why: `it lives longer than ${LONGEST_LIFE_SECONDS} s` };
    return {
      principal: iss,
      onBehalfOf: [],
      via: { issuer: 'directory', subject: iss, token: digestOfText(token) },
      chain: [{ issuer: 'directory', subject: iss }],
      expiresAtMs: exp * 1_000,
    };
  }
}
