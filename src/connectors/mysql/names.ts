/** Quotes the name of a role, which may be any text. */
export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** An account of the server: a user and the hosts from which it may come. */
export interface Account {
  readonly user: string;
  readonly host: string;
}

/** Reads `jonas` or `jonas@10.0.%`. The last `@` counts, and without one, any host. */
export function accountOf(text: string): Account {
  const at = text.lastIndexOf('@');
  return at < 0 ? { user: text, host: '%' } : { user: text.slice(0, at), host: text.slice(at + 1) };
}

/** Writes an account so that `accountOf` reads it back. */
export const nameOfAccount = ({ user, host }: Account): string =>
  host === '%' && !user.includes('@') ? user : `${user}@${host}`;

/** Writes an account as SQL has it. Quoted as identifiers, so that no SQL mode changes how it is read. */
export const accountName = ({ user, host }: Account): string => `${quoted(user)}@${quoted(host)}`;
