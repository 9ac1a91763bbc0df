import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { GatewayApp } from '../gateway/http/app';
import { setSecurityHeaders } from './guard';

/** Something that pages load. Its address has the digest of its content, so browsers may keep it for ever. */
export interface Asset {
  readonly href: string;
  /** For the browser to check what it was sent (Subresource Integrity). */
  readonly integrity: string;
}

/** Adds what the pages load, and returns where it is. */
export function addAssets(app: GatewayApp, origin: string) {
  return {
    style: addAsset(app, origin, 'pages.css', 'text/css; charset=utf-8'),
    script: addAsset(app, origin, 'pages.js', 'text/javascript; charset=utf-8'),
    icon: addAsset(app, origin, 'icon.svg', 'image/svg+xml'),
    picture: addAsset(app, origin, 'icon.png', 'image/png'),
  };
}
export type Assets = ReturnType<typeof addAssets>;

function addAsset(app: GatewayApp, origin: string, name: string, type: string): Asset {
  const content = new Uint8Array(readFileSync(path.join(__dirname, 'assets', name)));
  const digest = createHash('sha256').update(content).digest();
  const { name: stem, ext } = path.parse(name);
  const href = `/assets/${stem}.${digest.toString('hex').slice(0, 16)}${ext}`;
  app.get(href, (c) => {
    c.set('route', '/assets/{name}');
    setSecurityHeaders(c, origin);
    return c.body(content, 200, {
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });
  return { href, integrity: `sha256-${digest.toString('base64')}` };
}
