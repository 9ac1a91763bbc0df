import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { principalId } from '../../contracts/request';
import type { Context } from '../context';
import { UserError } from '../output';

const loginSchema = z.strictObject({
  gateway: z.string(),
  person: principalId,
  token: z.string().max(8_192),
  expiresAtMs: z.number(),
});
/** A browser sign-in of the command line. The token reads and nothing else. */
export type StoredLogin = z.output<typeof loginSchema>;

/** Beside the config file, one file for each gateway. */
function fileOf(gateway: string, { sources }: Context): string {
  const name = createHash('sha256').update(gateway).digest('hex').slice(0, 16);
  return path.join(path.dirname(sources.config.file), 'logins', `${name}.json`);
}

/** Keeps a login where only its owner reads it. Returns the file. */
export function storeLogin(login: StoredLogin, context: Context): string {
  const file = fileOf(login.gateway, context);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(login)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
  return file;
}

/**
 * Returns the login at this gateway. Returns undefined if there is none, or it is over.
 *
 * @throws UserError if others can read the file
 */
export function findLogin(gateway: string, context: Context): StoredLogin | undefined {
  const file = fileOf(gateway, context);
  if (!existsSync(file)) return undefined;
  const found = lstatSync(file);
  if (!found.isFile() || (found.mode & 0o077) !== 0)
    throw new UserError(
      `${file} can be read by others; run countersign logout, and log in again`,
      1,
      'BAD_KEY',
    );
  const login = loginSchema.safeParse(parsed(readFileSync(file, 'utf8')));
  const holds = login.success && login.data.gateway === gateway && login.data.expiresAtMs > Date.now();
  return holds ? login.data : undefined;
}

/** Removes the login at this gateway. Returns it as it was, or undefined if there was none that can be read. */
export function removeLogin(gateway: string, context: Context): StoredLogin | undefined {
  const file = fileOf(gateway, context);
  if (!existsSync(file)) return undefined;
  const login = loginSchema.safeParse(parsed(readFileSync(file, 'utf8')));
  rmSync(file, { force: true });
  return login.success ? login.data : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
