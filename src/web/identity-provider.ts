import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  None,
  ResponseBodyError,
} from 'openid-client';
import { z } from 'zod';
import type { Logger } from '../contracts/logger';
import { line, principalId } from '../contracts/request';
import type { PrincipalId } from '../domain/principal';
import { accepted, type Result, refused } from '../domain/refusal';
import type { Seen } from '../gateway/auth/session-holder';
import type { GatewayConfig } from '../gateway/config';
import { HttpProblem } from '../gateway/http/problem';
import type { GatewayKeys } from '../gateway/keys';
import type { Once } from '../signing/seen';

type ProviderConfig = NonNullable<GatewayConfig['signIn']>;

/** From being sent to the provider to coming back. People may have to enrol a second factor there. */
export const PROVIDER_MS = 15 * 60_000;
const ANSWER_WITHIN_SECONDS = 10;

export interface IdentityProviderOptions {
  readonly config: ProviderConfig;
  readonly keys: GatewayKeys;
  readonly origin: string;
  /** Attempts that were ended. */
  readonly used: Once;
  readonly log: Logger;
  readonly nowMs: () => number;
}

const subjectSchema = z.object({ sub: line(512) });

/**
 * Signs people in at an identity provider: OpenID Connect, authorization code flow with PKCE. Nothing is stored. The browser holds a
 * signed token that names the attempt; state, nonce and PKCE verifier are derived from that name with a secret of the gateways.
 */
export class IdentityProvider {
  readonly title: string;
  readonly #secret: string | undefined;
  #configuration: Promise<Configuration> | undefined;

  /** @throws Error (one line) if the file of the client's secret cannot be read */
  constructor(private readonly options: IdentityProviderOptions) {
    const { config } = options;
    this.title = config.title;
    this.#secret = config.clientSecretFile === undefined ? undefined : secretIn(config.clientSecretFile);
  }

  /** Begins an attempt: where to send the browser, and a token that only this browser can end the attempt with. */
  async begin(
    to: string,
    redirectUri: string,
  ): Promise<{ readonly address: string; readonly token: string }> {
    const { config, keys, origin, nowMs } = this.options;
    const configuration = await this.#discovered();
    const [jti, iat] = [randomUUID(), Math.floor(nowMs() / 1_000)];
    const { state, nonce, verifier } = this.#secretsOf(jti);
    const address = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: config.scope,
      response_type: 'code',
      ...{ state, nonce },
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const times = { iat, exp: iat + PROVIDER_MS / 1_000, jti };
    const token = await keys.sign('provider', { iss: origin, aud: origin, ...times, to });
    return { address: address.href, token };
  }

  /**
   * Ends an attempt with the address that the provider sent the browser to. Returns the person, as whom the provider knows them, and
   * the page that they came for. Refuses with `EXPIRED_STATEMENT`, `REPLAYED`, `BAD_SIGNATURE` and `NOT_ELIGIBLE`.
   *
   * @throws HttpProblem 503 if the provider does not answer
   */
  async finish(
    token: string | undefined,
    returned: URL,
  ): Promise<Result<{ readonly person: PrincipalId; readonly seen: Seen; readonly to: string }>> {
    const { config, keys, origin, log, nowMs } = this.options;
    const begun =
      token === undefined
        ? undefined
        : await keys.verify('provider', token, { issuer: origin, audience: origin, nowMs: nowMs() });
    if (begun === undefined || begun === 'expired')
      return refused(
        'EXPIRED_STATEMENT',
        'this sign-in is too old or was begun in another browser; try again',
      );
    const { jti, exp, to } = z.object({ jti: z.string(), exp: z.number(), to: z.string() }).parse(begun);
    if (!(await this.options.used.first(jti, exp * 1_000)))
      return refused('REPLAYED', 'this sign-in has been used; sign in again');
    const { state, nonce, verifier } = this.#secretsOf(jti);
    const configuration = await this.#discovered();
    try {
      const tokens = await authorizationCodeGrant(configuration, returned, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims() ?? {};
      const subject = subjectSchema.safeParse(claims);
      const person = subject.success ? this.#personOf(subject.data.sub, { ...claims }) : undefined;
      if (!subject.success || person === undefined)
        return refused('NOT_ELIGIBLE', 'the identity provider knows you as nobody of the directory');
      return accepted({ person, seen: { issuer: config.issuer, subject: subject.data.sub }, to });
    } catch (error) {
      const [isRefusal, reason] = readFailure(error);
      log.warn({ reason }, 'a sign-in at the identity provider failed');
      if (!isRefusal) throw unreachable();
      return refused(
        'BAD_SIGNATURE',
        'what came back from the identity provider does not hold; sign in again',
      );
    }
  }

  #personOf(subject: string, claims: Readonly<Record<string, unknown>>): PrincipalId | undefined {
    const { people } = this.options.config;
    if ('subjects' in people) return people.subjects[subject];
    const name = z.string().safeParse(claims[people.claim]);
    const person = principalId.safeParse(`person/${name.data}`);
    return name.success && person.success ? person.data : undefined;
  }

  /** What must not be guessed of one attempt. Nobody but the gateways can derive it from the attempt's name. */
  #secretsOf(jti: string) {
    const { keys } = this.options;
    return {
      state: keys.identifier('', 'provider state', jti),
      nonce: keys.identifier('', 'provider nonce', jti),
      verifier: keys.identifier('', 'provider verifier', jti) + keys.identifier('', 'its other half', jti),
    };
  }

  /** Reads the provider's metadata once. @throws HttpProblem 503 if it cannot be read, and reads it again the next time */
  #discovered(): Promise<Configuration> {
    const { config, log } = this.options;
    const { issuer, clientId } = config;
    this.#configuration ??= discovery(
      new URL(issuer),
      clientId,
      undefined,
      this.#secret === undefined ? None() : ClientSecretBasic(this.#secret),
      {
        timeout: ANSWER_WITHIN_SECONDS,
        // The signature of an ID token counts, not only the connection that it came by.
        execute: [enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [allowInsecureRequests] : [])],
      },
    ).catch((error: unknown) => {
      this.#configuration = undefined;
      log.error({ issuer, reason: readFailure(error)[1] }, 'the identity provider cannot be discovered');
      throw unreachable();
    });
    return this.#configuration;
  }
}

const unreachable = () =>
  new HttpProblem(503, 'the identity provider does not answer; sign in with your passkey');

/** Whether the provider or what it sent is to blame, and why. Nothing of an answer's content is in the reason. */
function readFailure(error: unknown): readonly [isRefusal: boolean, reason: string] {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return [true, error.error];
  if (error instanceof ClientError) return [error.code !== 'OAUTH_TIMEOUT', error.code ?? error.message];
  return [false, error instanceof Error ? error.message : 'unknown'];
}

function secretIn(file: string): string {
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '' && secret.length <= 1_024) return secret;
  } catch {
    // The error is thrown below.
  }
  throw new Error(
    `${file}: needs the client's secret at the identity provider; the file cannot be read or is empty`,
  );
}
