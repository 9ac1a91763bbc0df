import { readFileSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { isUnicode } from '../../domain/characters';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { IssuerConfig } from '../issuers-config';
import { MCP_PATH } from '../resource-metadata';
import type { Caller, TokenVerifier, Unrecognised } from './caller';

const SKEW_SECONDS = 60;
/** Longest life of an accepted token. Workload tokens are short-lived. */
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

/** Recognises callers by tokens of one issuer: OAuth access tokens (RFC 9068), GitHub Actions OIDC, SPIFFE JWT-SVID. */
export class IssuerTokens implements TokenVerifier {
  readonly #keys: ReturnType<typeof createRemoteJWKSet> | ReturnType<typeof createLocalJWKSet>;

  constructor(
    private readonly config: IssuerConfig,
    private readonly publicUrl: string,
  ) {
    this.#keys =
      config.jwksUri === undefined
        ? createLocalJWKSet(JSON.parse(readFileSync(config.jwksFile ?? '', 'utf8')) as JSONWebKeySet)
        : // An unknown key id makes it fetch the keys again, at most once in ten seconds.
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

  async verify(token: string): Promise<Caller | Unrecognised> {
    const { kind, issuer, audience, algorithms } = this.config;
    const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
      // A SPIFFE JWT-SVID need not name an issuer: its trust domain is in `sub` (JWT-SVID section 3.1).
      ...(kind !== 'spiffe' && { issuer }),
      // A client of the MCP endpoint names it as the resource that its token is for (RFC 8707).
      audience: [audience, `${this.publicUrl}${MCP_PATH}`],
      algorithms: [...algorithms],
      clockTolerance: SKEW_SECONDS,
      requiredClaims: kind === 'spiffe' ? ['sub', 'exp'] : ['iss', 'sub', 'exp', 'iat'],
    });
    if (!isForCallers(protectedHeader.typ)) return { why: 'its typ is not that of an access token' };
    const caller = callerOf(payload, token, this.config);
    if ('why' in caller || isFor(payload, audience)) return caller;
    return { ...caller, onlyFor: MCP_PATH };
  }
}

const isFor = ({ aud }: JWTPayload, audience: string): boolean =>
  Array.isArray(aud) ? aud.includes(audience) : aud === audience;

/** Refuses tokens of other types, which prove something else (RFC 8725 section 3.11). */
function isForCallers(typ: unknown): boolean {
  if (typ === undefined) return true;
  if (typeof typ !== 'string') return false;
  return ['jwt', 'at+jwt', 'application/at+jwt', 'jose'].includes(typ.toLowerCase());
}

function callerOf(payload: JWTPayload, token: string, config: IssuerConfig): Caller | Unrecognised {
  const { sub, exp, iat } = payload;
  const nowSeconds = Date.now() / 1_000;
  if (sub === undefined || exp === undefined || sub.length > 512 || !isUnicode(sub))
    return { why: 'its sub cannot be used' };
  if (iat !== undefined && iat > nowSeconds + SKEW_SECONDS) return { why: 'it is dated in the future' };
  if (exp - (iat ?? nowSeconds) > LONGEST_LIFE_SECONDS)
    return { why: `it lives longer than ${LONGEST_LIFE_SECONDS} s` };
  const chain = chainOf(payload, sub, config);
  if (chain === undefined)
    return { why: 'gateway.yaml maps it, or an actor in it, to no identity, or to several' };
  const [principal, ...onBehalfOf] = chain.map((link) => link.principal);
  const boundKey = boundKeyOf(payload);
  if (principal === undefined || boundKey === false)
    return { why: 'it is bound to something other than a key' };
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
 * Returns the chain of a delegated token (RFC 8693 section 4.1), the current actor first and the subject last. Returns
 * undefined if the configuration does not map every link to an identity.
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

/** Returns the identity all of whose configured claims the token has. Returns undefined if two identities match. */
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

/** Returns the key thumbprint in `cnf`, undefined without `cnf`, and false if the token is bound to something we cannot check. */
function boundKeyOf({ cnf }: JWTPayload & { cnf?: unknown }): string | false | undefined {
  if (cnf === undefined) return undefined;
  const parsed = z.object({ jkt: z.string().length(43) }).safeParse(cnf);
  return parsed.success ? parsed.data.jkt : false;
}
