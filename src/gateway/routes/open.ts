import type { Gateway } from '../gateway';
import type { GatewayApp } from '../http/app';
import { HttpProblem } from '../http/problem';
import { sharedFor } from '../http/shared';
import { AUTHZEN_CONFIGURATION, metadataOf, signedMetadata } from '../pdp/metadata';
import { protectedResource, wellKnownPath } from '../resource-metadata';
import { type Add, BEARER, DPOP } from './adder';
import {
  documentAnswer,
  healthAnswer,
  jwksAnswer,
  metadataAnswer,
  readyAnswer,
  resourceAnswer,
} from './answers';

/** Anyone may call /ready as often as they like; Temporal is asked at most once in this time. */
const READY_FOR_MS = 1_000;

/** Adds what anyone may read: metadata, keys, health and the OpenAPI document. */
export function addOpenRoutes(
  add: Add,
  { publicUrl, config, keys, nowMs, bundles, client }: Gateway,
  app: GatewayApp,
): void {
  // Made on the first call, when every route has been added.
  let document: object | undefined;
  const reachable = sharedFor(READY_FOR_MS, () => client.ping());
  const cached = { 'cache-control': 'public, max-age=300' };
  const ownPath = wellKnownPath(AUTHZEN_CONFIGURATION, publicUrl);
  // Also without the path of the public address, for those who read it at the gateway itself.
  for (const path of new Set([ownPath, `/.well-known/${AUTHZEN_CONFIGURATION}`]))
    add(
      'get',
      path,
      { limit: 'open', summary: 'Metadata of the decision point', response: metadataAnswer },
      async (c) =>
        c.json(
          { ...metadataOf(publicUrl), signed_metadata: await signedMetadata(publicUrl, keys, nowMs()) },
          200,
          cached,
        ),
    );
  const resource = protectedResource(publicUrl, 'Countersign', config);
  add(
    'get',
    resource.path,
    { limit: 'open', summary: 'Whose tokens are taken here (RFC 9728)', response: resourceAnswer },
    (c) => c.json(resource.metadata, 200, cached),
  );
  add(
    'get',
    '/access/v1/jwks',
    { limit: 'open', summary: 'Keys that decisions are signed with', response: jwksAnswer },
    (c) => c.json({ keys: [keys.publicJwk] }, 200, cached),
  );
  // The names of Kubernetes, and those of before.
  for (const path of ['/livez', '/health'])
    add('get', path, { limit: 'open', summary: 'The process is alive', response: healthAnswer }, (c) =>
      c.json({ status: 'ok' }),
    );
  for (const path of ['/readyz', '/ready'])
    add(
      'get',
      path,
      { limit: 'open', summary: 'The gateway can decide and reach its requests', response: readyAnswer },
      async (c) => {
        const { context } = await bundles.current();
        await reachable().catch(() => {
          throw new HttpProblem(503, 'requests cannot be reached; evaluations are answered all the same');
        });
        return c.json({ status: 'ready', policy: context.digest, directory: context.directory.digest });
      },
    );
  add('get', '/openapi.json', { limit: 'open', summary: 'This document', response: documentAnswer }, (c) => {
    document ??= openApiDocument(app, publicUrl);
    return c.json(document, 200, cached);
  });
}

function openApiDocument(app: GatewayApp, publicUrl: string) {
  app.openAPIRegistry.registerComponent('securitySchemes', BEARER, {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of a configured issuer, or one that the caller signs with a registered key.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', DPOP, {
    type: 'http',
    scheme: 'DPoP',
    description: 'A token that is bound to a key, with a proof in the header DPoP (RFC 9449).',
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Countersign gateway',
      version: '1',
      description:
        'Decisions, access requests and execution tokens for non-human identities (OpenID AuthZEN).',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: publicUrl }],
  });
}
