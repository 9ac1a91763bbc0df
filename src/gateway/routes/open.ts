import type { Gateway } from '../gateway';
import type { GatewayApp } from '../http/app';
import { HttpProblem } from '../http/problem';
import { sharedFor } from '../http/shared';
import { metadataOf, signedMetadata, WELL_KNOWN } from '../pdp/metadata';
import type { Add } from './adder';

/** Anyone may ask whether it is ready, as often as they like; the server is asked no more often than this. */
const READY_FOR_MS = 1_000;

/** Routes of this part. */
export function addOpenRoutes(
  app: GatewayApp,
  add: Add,
  { publicUrl, keys, nowMs, bundles, client }: Gateway,
): void {
  // Made when it is first asked for, when every route has been added.
  let document: object | undefined;
  const reachable = sharedFor(READY_FOR_MS, () => client.ping());
  const cached = { 'cache-control': 'public, max-age=300' };
  add('get', WELL_KNOWN, { limit: 'open', summary: 'Metadata of the decision point' }, async (c) =>
    c.json(
      { ...metadataOf(publicUrl), signed_metadata: await signedMetadata(publicUrl, keys, nowMs()) },
      200,
      cached,
    ),
  );
  add('get', '/access/v1/jwks', { limit: 'open', summary: 'Keys that decisions are signed with' }, (c) =>
    c.json({ keys: [keys.publicJwk] }, 200, cached),
  );
  add('get', '/health', { limit: 'open', summary: 'The process is alive' }, (c) => c.json({ status: 'ok' }));
  add('get', '/ready', { limit: 'open', summary: 'It can decide and reach its requests' }, async (c) => {
    const { book } = await bundles.current();
    await reachable().catch(() => {
      throw new HttpProblem(503, 'requests cannot be reached; evaluations are answered all the same');
    });
    return c.json({ status: 'ready', policy: book.digest, directory: book.directory.digest });
  });
  add('get', '/openapi.json', { limit: 'open', summary: 'This document' }, (c) => {
    document ??= openApiDocument(app, publicUrl);
    return c.json(document, 200, cached);
  });
}

function openApiDocument(app: GatewayApp, publicUrl: string) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Countersign gateway', version: '1' },
    servers: [{ url: publicUrl }],
  });
}
