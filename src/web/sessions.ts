import { randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { Directory } from '../directory/directory';
import type { Ledger } from '../domain/precedents';
import { GOVERNANCE_ROLES, hasAnyRole, PROCESS_OWNER_ROLE, type PrincipalId } from '../domain/principal';
import { accepted, type Refusal, type Result, refused } from '../domain/refusal';
import type { WebauthnEnvelope } from '../domain/request';
import type { EndedSessions } from '../gateway/auth/ended-sessions';
import {
  holderOf,
  type RecognisedBy,
  refuseReader,
  type Seen,
  type SessionClaims,
  type SessionHolder,
  sessionClaimsSchema,
} from '../gateway/auth/session-holder';
import type { GatewayConfig } from '../gateway/config';
import { HttpProblem } from '../gateway/http/problem';
import type { GatewayKeys } from '../gateway/keys';
import type { Once } from '../signing/seen';
import { refuseCountedBack } from '../signing/signature-count';
import { SignatureVerifier } from '../signing/verify';

/** `typ` of the claims that a person signs to sign in. No statement has it, so signing in can never decide anything. */
const SIGN_IN_TYPE = 'countersign-sign-in+jwt';

export const SESSION_MS = 8 * 3_600_000;
export const SIGN_IN_MS = 5 * 60_000;

const signInClaimsSchema = z.strictObject({
  aud: z.string(),
  iat: z.number(),
  exp: z.number(),
  jti: z.uuid(),
});

/** Who looks at a page: recognised by a passkey or by the identity provider, active in the directory at this moment. */
export type Visitor = SessionHolder;

/** Whether this person looks after requests of others: they may see all of them. */
export const isGovernor = ({ standing }: Visitor): boolean =>
  hasAnyRole(standing, [...GOVERNANCE_ROLES, PROCESS_OWNER_ROLE]);

/** @throws HttpProblem 403 */
export function refuseAllButGovernors(visitor: Visitor): void {
  if (!isGovernor(visitor)) throw new HttpProblem(403, 'this page is for governors and process owners');
}

export interface SessionsOptions {
  readonly keys: GatewayKeys;
  readonly origin: string;
  readonly directory: () => Promise<Directory>;
  readonly nowMs: () => number;
  /** The identity provider that the settings name now. Sessions by another one, or by none, are over. */
  readonly signIn?: GatewayConfig['signIn'];
  readonly ended: EndedSessions;
  /** Attempts to sign in that were ended. */
  readonly used: Once;
  /** Where the counters of passkeys are on record. Without it, a sign-in by a copied passkey is not noticed. */
  readonly counters?: Pick<Ledger, 'signed'> | undefined;
}

/**
 * Signs people in, by their passkeys or on the word of an identity provider. No session is stored: what a browser holds is signed by the
 * gateway's key, so it survives a restart and counts at every gateway with that key. Only the end of one is remembered, by its name. A
 * session only reads; each decision is signed by itself.
 */
export class Sessions {
  constructor(private readonly options: SessionsOptions) {}

  /** Begins a sign-in: claims for the passkey to sign, and a token for the browser that only it can end the sign-in with. */
  async begin(): Promise<{ readonly claims: string; readonly token: string }> {
    const { keys, origin, nowMs } = this.options;
    const iat = Math.floor(nowMs() / 1_000);
    const said = { aud: origin, iat, exp: iat + SIGN_IN_MS / 1_000, jti: randomUUID() };
    const claims = canonicalize({ ...said, typ: SIGN_IN_TYPE }) ?? '';
    return { claims, token: await keys.sign('sign-in', { iss: origin, ...said }) };
  }

  /**
   * Ends a sign-in. Returns a new session, never one that the browser brought (session fixation).
   * Refuses with the codes of `SignatureVerifier`, `DISABLED_IDENTITY`, `NOT_HUMAN`, `EXPIRED_STATEMENT` and `REPLAYED`.
   */
  async finish(
    token: string | undefined,
    envelope: WebauthnEnvelope,
  ): Promise<Result<{ readonly session: string; readonly person: PrincipalId }>> {
    const { keys, origin, directory, nowMs } = this.options;
    const begun =
      token === undefined
        ? undefined
        : await keys.verify('sign-in', token, { issuer: origin, audience: origin, nowMs: nowMs() });
    if (begun === undefined || begun === 'expired')
      return refused(
        'EXPIRED_STATEMENT',
        'this sign-in is too old or was begun in another browser; try again',
      );
    const current = await directory();
    const verified = await new SignatureVerifier(current).verify(envelope, SIGN_IN_TYPE, nowMs());
    if (!verified.ok) return verified;
    const { key, payload } = verified.value;
    const claims = signInClaimsSchema.safeParse(payload);
    if (!claims.success || claims.data.aud !== origin || key.kind !== 'passkey' || key.origin !== origin)
      return refused('BAD_SIGNATURE', 'this is no sign-in for these pages');
    if (claims.data.jti !== begun['jti'])
      return refused('BAD_SIGNATURE', 'this sign-in was begun in another browser');
    const fit = refuseReader(current.standingOf(key.principal, nowMs()), key.principal);
    if (!fit.ok) return fit;
    const copied = await this.#refuseCopy(envelope);
    if (copied !== undefined) return { ok: false, refusal: copied };
    if (!(await this.options.used.first(claims.data.jti, claims.data.exp * 1_000)))
      return refused('REPLAYED', 'this sign-in has been used; sign in again');
    const { principal: person, keyId: kid } = key;
    return accepted({ session: await this.#sessionFor(person, { kid }), person });
  }

  /** @throws HttpProblem 503 if the record of counters cannot be reached */
  async #refuseCopy(envelope: WebauthnEnvelope): Promise<Refusal | undefined> {
    const { counters, nowMs } = this.options;
    try {
      return counters && (await refuseCountedBack(envelope, counters, nowMs()));
    } catch {
      throw new HttpProblem(503, 'the record of signature counters cannot be reached; try again later');
    }
  }

  /** Returns a new session for a person whom the identity provider recognised. Refuses with `DISABLED_IDENTITY` and `NOT_HUMAN`. */
  async open(person: PrincipalId, seen: Seen): Promise<Result<{ readonly session: string }>> {
    const { directory, nowMs } = this.options;
    const fit = refuseReader((await directory()).standingOf(person, nowMs()), person);
    return fit.ok ? accepted({ session: await this.#sessionFor(person, { seen }) }) : fit;
  }

  /** Returns who holds this session, or undefined if it holds no more: over, signed out, or not theirs any longer (see `holderOf`). */
  async visitor(session: string | undefined): Promise<Visitor | undefined> {
    const claims = await this.#claimsOf(session);
    if (claims === undefined || (await this.options.ended.has(claims.jti))) return undefined;
    const { origin, directory, nowMs, signIn } = this.options;
    const holder = holderOf(claims, await directory(), signIn, nowMs());
    return holder?.passkey === undefined || holder.passkey.origin === origin ? holder : undefined;
  }

  /** Ends a session before its time, for whoever has a copy of it. Does nothing to what is not one. */
  async end(session: string | undefined): Promise<void> {
    const claims = await this.#claimsOf(session);
    if (claims !== undefined) await this.options.ended.end(claims.jti, claims.exp * 1_000);
  }

  async #claimsOf(session: string | undefined): Promise<SessionClaims | undefined> {
    if (session === undefined) return undefined;
    const { keys, origin, nowMs } = this.options;
    const parties = { issuer: origin, audience: origin, nowMs: nowMs() };
    const claims = sessionClaimsSchema.safeParse(await keys.verify('session', session, parties));
    return claims.success ? claims.data : undefined;
  }

  #sessionFor(sub: PrincipalId, by: RecognisedBy): Promise<string> {
    const { keys, origin, nowMs } = this.options;
    const iat = Math.floor(nowMs() / 1_000);
    const exp = iat + SESSION_MS / 1_000;
    const times = { iat, exp, jti: randomUUID() };
    return keys.sign('session', { iss: origin, aud: origin, sub, ...by, ...times });
  }
}
