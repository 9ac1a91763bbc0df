import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Environment } from '../../contracts/settings';
import { UserError, usageError } from '../output';

/** Where the token comes from by which an issuer vouches for this process. Never the token itself. */
export const tokenSourceSchema = z.discriminatedUnion('kind', [
  /** A file that the platform writes and renews (a projected service account token, an `id_tokens` file). */
  z.object({ kind: z.literal('file'), file: z.string() }),
  /** GitHub Actions: asked for at the address that the job is given. */
  z.object({ kind: z.literal('github-actions') }),
]);
export type TokenSource = z.output<typeof tokenSourceSchema>;

const RENEW_AFTER_MS = 60_000;
const LONGEST = 8_192;
const answerSchema = z.object({ value: z.string().min(1).max(LONGEST) });

/** @throws UserError of wrong usage where neither a file is named nor the job has an address */
export function findTokenSource(file: string | undefined, env: Environment): TokenSource {
  if (file !== undefined) return { kind: 'file', file };
  if (env['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined) return { kind: 'github-actions' };
  throw usageError(
    '--gateway needs --token-file FILE, or a GitHub Actions job with the permission id-token: write',
  );
}

/** Tokens for one audience, asked for anew as they age. */
export function tokensOf(
  source: TokenSource,
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
    // Said below.
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
