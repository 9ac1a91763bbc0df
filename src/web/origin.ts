/**
 * Returns the origin at which browsers open the pages of a gateway. A loopback address becomes `localhost`, because a passkey
 * belongs to a name and never to an address (WebAuthn Level 3, section 5.1.2). Returns undefined if no browser could sign
 * there: the address is neither https nor this machine, or it has a path.
 */
export function pageOriginOf(publicUrl: string): string | undefined {
  const url = new URL(publicUrl);
  if (url.hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(url.hostname)) url.hostname = 'localhost';
  const isSecure = url.protocol === 'https:' || url.hostname === 'localhost';
  return isSecure && url.pathname === '/' ? url.origin : undefined;
}

/** Returns a path of this origin to go to after signing in, or `/` if `wanted` leads anywhere else. */
export function returnPath(wanted: string | undefined, origin: string): string {
  if (wanted === undefined || wanted.length > 1_000 || !/^\/[\w\-./?=&%]*$/.test(wanted)) return '/';
  const url = URL.canParse(wanted, origin) ? new URL(wanted, origin) : undefined;
  if (url?.origin !== origin || url.pathname.startsWith('//') || /^\/sign-in(\/|$)/.test(url.pathname))
    return '/';
  return `${url.pathname}${url.search}`;
}
