import { readFileSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { IssuerConfig } from '../config';
import type { Caller, TokenVerifier } from './caller';

const SKEW_SECONDS = 60;
/** A token that lives longer than this is not one that a workload was given a moment ago. */
const LONGEST_LIFE_SECONDS = 24 * 3_600;
const MOST_LINKS = 8;

const actorSchema: z.ZodType<Actor> = z.lazy(() =>
  z.object({ sub: z.string().max(512), iss: z.string().max(512).optional(), act: actorSchema.optional() }),
);
interface Actor {
  readonly sub: string;
  readonly iss?: string | undefined;
  readonly act?: Actor | undefined;
}

/** Access tokens and workload tokens of one issuer: OAuth (RFC 9068), GitHub Actions OIDC, SPIFFE JWT-SVID. */
export class IssuerTokens implements TokenVerifier {
  readonly #keys: ReturnType<typeof createRemoteJWKSet> | ReturnType<typeof createLocalJWKSet>;

  constructor(private readonly config: IssuerConfig) {
    this.#keys =
      config.jwksUri === undefined
        ? createLocalJWKSet(JSON.parse(readFileSync(config.jwksFile ?? '', 'utf8')) as JSONWebKeySet)
        : // A key that is not known makes it look again, at most once in ten seconds.
          createRemoteJWKSet(new URL(config.jwksUri), {
            cooldownDuration: 10_000,
            cacheMaxAge: 300_000,
            timeoutDuration: 3_000,
          });
  }

  concerns(_header: Readonly<Record<string, unknown>>, claims: Readonly<Record<string, unknown>>): boolean {
    if (this.config.kind !== 'spiffe') return claims['iss'] === this.config.issuer;
    return typeof claims['sub'] === 'string' && claims['sub'].startsWith(`${this.config.issuer}/`);
  }

  async verify(token: string): Promise<Caller | undefined> {
    const { kind, issuer, audience, algorithms } = this.config;
    const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
      // A SPIFFE JWT-SVID need not name an issuer: its trust domain is in `sub` (JWT-SVID section 3.1).
      ...(kind !== 'spiffe' && { issuer }),
      audience,
      algorithms: [...algorithms],
      clockTolerance: SKEW_SECONDS,
      requiredClaims: kind === 'spiffe' ? ['sub', 'exp'] : ['iss', 'sub', 'exp', 'iat'],
    });
    if (!isForCallers(protectedHeader.typ)) return undefined;
    return callerOf(payload, token, this.config);
  }
}

/** Kinds of tokens that are proofs of something else must not pass for access (RFC 8725 section 3.11). */
function isForCallers(typ: unknown): boolean {
  if (typ === undefined) return true;
  if (typeof typ !== 'string') return false;
  return ['jwt', 'at+jwt', 'application/at+jwt', 'jose'].includes(typ.toLowerCase());
}

function callerOf(payload: JWTPayload, token: string, config: IssuerConfig): Caller | undefined {
  const { sub, exp, iat } = payload;
  const nowSeconds = Date.now() / 1_000;
  if (sub === undefined || exp === undefined || sub.length > 512) return undefined;
  if (iat !== undefined && iat > nowSeconds + SKEW_SECONDS) return undefined;
  if (exp - (iat ?? nowSeconds) > LONGEST_LIFE_SECONDS) return undefined;
  const chain = chainOf(payload, sub, config);
  if (chain === undefined) return undefined;
  const [principal, ...onBehalfOf] = chain.map((link) => link.principal);
  const boundKey = boundKeyOf(payload);
  if (principal === undefined || boundKey === false) return undefined;
  return {
    principal,
    onBehalfOf,
    via: { issuer: config.issuer, subject: sub, token: digestOfText(token) },
    chain: chain.map(({ issuer, subject }) => ({ issuer, subject })),
    ...(boundKey !== undefined && { boundKey }),
    expiresAtMs: exp * 1_000,
  };
}

interface Link {
  readonly principal: PrincipalId;
  readonly issuer: string;
  readonly subject: string;
}

/**
 * The chain of a delegated token (RFC 8693 section 4.1), the current actor first and the subject last. Every link must
 * be an identity that the configuration maps; a chain with a stranger in it is no chain.
 */
function chainOf(payload: JWTPayload, sub: string, config: IssuerConfig): readonly Link[] | undefined {
  const own = (claims: Readonly<Record<string, unknown>>, subject: string): Link | undefined => {
    const principal = principalOf(config, claims);
    return principal === undefined ? undefined : { principal, issuer: config.issuer, subject };
  };
  if (payload['act'] === undefined) {
    const link = own(payload, sub);
    return link && [link];
  }
  const parsed = actorSchema.safeParse(payload['act']);
  if (!parsed.success) return undefined;
  const links: (Link | undefined)[] = [];
  for (let actor: Actor | undefined = parsed.data; actor !== undefined; actor = actor.act) {
    if (links.length >= MOST_LINKS || (actor.iss !== undefined && actor.iss !== config.issuer))
      return undefined;
    links.push(own({ sub: actor.sub }, actor.sub));
  }
  links.push(own({ sub }, sub));
  const known = links.flatMap((link) => link ?? []);
  return known.length === links.length ? known : undefined;
}

/** The one identity all of whose claims the token bears. Two that fit are a mistake, and nobody. */
function principalOf(
  config: IssuerConfig,
  claims: Readonly<Record<string, unknown>>,
): PrincipalId | undefined {
  const fitting = config.identities.filter((identity) =>
    Object.entries(identity.claims).every(([name, value]) => claims[name] === value),
  );
  const principals = new Set(fitting.map((identity) => identity.principal));
  return principals.size === 1 ? fitting[0]?.principal : undefined;
}

/** The thumbprint in `cnf`; false where a token is bound to something that we cannot check. */
function boundKeyOf({ cnf }: JWTPayload & { cnf?: unknown }): string | false | undefined {
  if (cnf === undefined) return undefined;
  const parsed = z.object({ jkt: z.string().length(43) }).safeParse(cnf);
  return parsed.success ? parsed.data.jkt : false;
}
