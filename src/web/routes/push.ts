import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Gateway } from '../../gateway/gateway';
import { readBody } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import { pushSubscriptionSchema } from '../../push/subscriptions';
import type { Assets } from '../assets';
import type { PageRoutes } from '../page-routes';

const endedSchema = z.strictObject({ endpoint: z.string().max(1_000) });

/** Adds what makes the pages an app that can be installed, and lets a person be told in it that they are awaited. */
export function addPush(routes: PageRoutes): void {
  const { gateway, assets } = routes;
  // At the root, because a service worker looks after what lies below it.
  const worker = readFileSync(path.join(__dirname, '..', 'assets', 'service-worker.js'), 'utf8');
  routes.open('GET', '/service-worker.js', async (c) =>
    c.body(worker, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  routes.open('GET', '/manifest.webmanifest', async (c) =>
    c.body(JSON.stringify(manifestWith(assets)), 200, { 'content-type': 'application/manifest+json' }),
  );
  routes.guarded('POST', '/push', async (c, { person }) => {
    const { subscriptions, services } = pushOf(gateway);
    const subscription = await readBody(c, pushSubscriptionSchema);
    if (!isAt(services, subscription.endpoint))
      throw new HttpProblem(400, 'the push service of this browser is not one that this gateway sends to');
    if (!(await subscriptions.add(person, subscription, gateway.nowMs())))
      throw new HttpProblem(429, 'too many browsers are subscribed');
    return c.json({ subscribed: true });
  });
  routes.guarded('POST', '/push/end', async (c, { person }) => {
    await pushOf(gateway).subscriptions.remove(person, (await readBody(c, endedSchema)).endpoint);
    return c.json({ subscribed: false });
  });
}

/** @throws HttpProblem 404 if this gateway pushes nothing */
function pushOf({ subscriptions, config: { push } }: Gateway) {
  if (subscriptions === undefined || push === undefined)
    throw new HttpProblem(404, 'this gateway tells nobody in their browser');
  return { subscriptions, services: push.services };
}

/** Plain http is for a service on this machine, which the sender allows or not. */
function isAt(services: readonly string[], endpoint: string): boolean {
  const { hostname, protocol, username } = new URL(endpoint);
  const isSecure = protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1';
  return (
    isSecure && username === '' && services.some((one) => hostname === one || hostname.endsWith(`.${one}`))
  );
}

const manifestWith = ({ icon, picture }: Assets) => ({
  name: 'Countersign',
  short_name: 'Countersign',
  description: 'Requests that wait for your signature',
  id: '/',
  start_url: '/',
  scope: '/',
  display: 'standalone',
  background_color: '#ffffff',
  theme_color: '#0b5c52',
  icons: [
    { src: icon.href, sizes: 'any', type: 'image/svg+xml' },
    { src: picture.href, sizes: '512x512', type: 'image/png', purpose: 'any' },
  ],
});
