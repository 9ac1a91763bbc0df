import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { principalId } from '../../contracts/request';
import type { Environment } from '../../contracts/settings';
import { byKey, byToken, type CallerCredential } from '../../enforcement';
import { readKeyFile } from '../../signing/keys';
import { UserError, usageError } from '../output';

/** Where that comes from by which a gateway knows this process. Never the token or the key itself. */
export const tokenSourceSchema = z.discriminatedUnion('kind', [
  /** A file that the platform writes and renews (a projected service account token, an `id_tokens` file). */
  z.object({ kind: z.literal('file'), file: z.string() }),
  /** GitHub Actions, which gives the job an address to fetch the token from. */
  z.object({ kind: z.literal('github-actions') }),
  /** A file with the registered key of a principal, who signs tokens, submissions and statements with it. */
  z.object({ kind: z.literal('key'), principal: principalId, file: z.string() }),
]);
export type TokenSource = z.output<typeof tokenSourceSchema>;
/** A source of tokens that an issuer makes. */
type IssuedSource = Exclude<TokenSource, { readonly kind: 'key' }>;

const RENEW_AFTER_MS = 60_000;
const LONGEST = 8_192;
const answerSchema = z.object({ value: z.string().min(1).max(LONGEST) });

/** Finds the source of tokens. @throws UserError of wrong usage if no file is named and the job has no address */
export function findTokenSource(file: string | undefined, env: Environment): IssuedSource {
  if (file !== undefined) return { kind: 'file', file };
  if (env['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined) return { kind: 'github-actions' };
  throw usageError(
    '--gateway needs --as with a key, --token-file FILE, or a GitHub Actions job with the permission id-token: write',
  );
}

/** Returns how a source authenticates at a gateway. */
export const credentialOf = async (source: TokenSource, gateway: string): Promise<CallerCredential> =>
  source.kind === 'key'
    ? byKey(source.principal, await readKeyFile(source.file), gateway)
    : byToken(tokensOf(source, gateway));

/** Returns a function that returns a token for one audience, and fetches a new one after a minute. */
export function tokensOf(
  source: IssuedSource,
  audience: string,
  env: Environment = process.env,
): () => Promise<string> {
  let known: { readonly token: string; readonly atMs: number } | undefined;
  return async () => {
    if (known !== undefined && Date.now() - known.atMs < RENEW_AFTER_MS) return known.token;
    const token = source.kind === 'file' ? tokenIn(source.file) : await tokenOfJob(audience, env);
    known = { token, atMs: Date.now() };
    return token;
  };
}

function tokenIn(file: string): string {
  try {
    const token = readFileSync(file, 'utf8').trim();
    if (token !== '' && token.length <= LONGEST) return token;
  } catch {
    // The error is thrown below.
  }
  throw new UserError(`--token-file: ${file} holds no token that can be read`);
}

async function tokenOfJob(audience: string, env: Environment): Promise<string> {
  const refused = new UserError('the job gets no token; does it have the permission id-token: write?');
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: word = '' } = env;
  if (!URL.canParse(address)) throw refused;
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  try {
    const response = await fetch(url, {
      headers: { authorization: `bearer ${word}` },
      redirect: 'error',
      signal: AbortSignal.timeout(10_000),
    });
    return answerSchema.parse(await response.json()).value;
  } catch {
    throw refused;
  }
}
