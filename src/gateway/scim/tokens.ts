import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ScimServerRules, SourceRules } from '../../directory/sources/sources-file';

/** Shorter tokens could be guessed. */
const SHORTEST_TOKEN = 32;
/** The token that is used, and the next one while the identity provider changes over. */
const MOST_TOKENS = 2;
const BEARER = /^Bearer ([\x21-\x7e]{1,4096})$/i;

/** The source that an identity provider pushes. */
export interface PushedSource {
  readonly name: string;
  readonly rules: ScimServerRules;
}

export const pushedSources = (sources: Readonly<Record<string, SourceRules>>): readonly PushedSource[] =>
  Object.entries(sources).flatMap(([name, rules]) => (rules.kind === 'scim-server' ? [{ name, rules }] : []));

/**
 * Returns the source whose bearer token this is. Undefined if it is the token of none, or of more than one. It takes the same time whichever
 * token is almost right.
 */
export function sourceOfToken(
  authorization: string | undefined,
  sources: readonly PushedSource[],
): PushedSource | undefined {
  const [, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token === undefined) return undefined;
  const given = hashOf(token);
  const [only, ...others] = sources.filter(
    ({ rules }) => tokensIn(rules.tokenFile).filter((one) => timingSafeEqual(hashOf(one), given)).length > 0,
  );
  return others.length === 0 ? only : undefined;
}

/** Returns the tokens in a file, one a line. It is read anew each time, so that they can be replaced. */
function tokensIn(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.length >= SHORTEST_TOKEN)
      .slice(0, MOST_TOKENS);
  } catch {
    return [];
  }
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
