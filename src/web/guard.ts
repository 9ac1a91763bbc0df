import type { GatewayContext } from '../gateway/http/app';
import { HttpProblem } from '../gateway/http/problem';

/** Nothing inline, nothing from elsewhere, no frame around a page, and no text that becomes markup in the script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "manifest-src 'self'"],
  "worker-src 'self'",
  ...["base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"],
  // The one policy makes the address of the service worker, whatever it is given.
  ...["require-trusted-types-for 'script'", 'trusted-types countersign-worker'],
].join('; ');

const PERMISSIONS_POLICY = [
  ...['publickey-credentials-get=(self)', 'publickey-credentials-create=(self)'],
  ...['camera', 'microphone', 'geolocation', 'payment', 'usb', 'display-capture', 'browsing-topics'].map(
    (feature) => `${feature}=()`,
  ),
].join(', ');

/** Sets the headers that every page and everything a page loads has. */
export function setSecurityHeaders(c: GatewayContext, origin: string): void {
  c.header('content-security-policy', CONTENT_SECURITY_POLICY);
  c.header('permissions-policy', PERMISSIONS_POLICY);
  c.header('referrer-policy', 'no-referrer');
  c.header('cross-origin-opener-policy', 'same-origin');
  c.header('cross-origin-resource-policy', 'same-origin');
  c.header('cross-origin-embedder-policy', 'require-corp');
  c.header('x-frame-options', 'DENY');
  if (origin.startsWith('https://'))
    c.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
}

/**
 * Refuses what another site makes a browser send (CSRF). A script of ours names our origin; a program without a browser has to
 * name it too. Other sites may only link here.
 *
 * @throws HttpProblem 403
 */
export function refuseCrossSite(c: GatewayContext, origin: string): void {
  const site = c.req.header('sec-fetch-site');
  const isOurs = site === undefined || site === 'same-origin' || site === 'none';
  if (c.req.method === 'POST') {
    const from = c.req.header('origin');
    // Under `no-referrer` a browser leaves our own origin out of a plain form, and says only that the form is ours.
    const isOurForm = from === 'null' && site === 'same-origin';
    if ((from !== origin && !isOurForm) || !isOurs)
      throw new HttpProblem(403, 'this was sent by a page of another site');
    return;
  }
  const mode = c.req.header('sec-fetch-mode');
  const isLink = mode === 'navigate' && c.req.header('sec-fetch-dest') === 'document';
  if (!isOurs && !isLink) throw new HttpProblem(403, 'pages of another site can only link here');
}

/**
 * Returns where the same page is on the one origin that the passkeys belong to, if the browser came by another name of this
 * machine. Returns undefined if it came by the right one.
 */
export function rightPlace(c: GatewayContext, origin: string): string | undefined {
  const { host, hostname } = new URL(origin);
  // Behind a proxy the name is the proxy's business; a machine's own loopback name is ours (DNS rebinding).
  if (hostname !== 'localhost' || c.req.header('host') === host) return undefined;
  const { pathname, search } = new URL(c.req.url);
  return `${origin}${pathname}${search}`;
}
