import { generateKeyPairSync } from 'node:crypto';
import { z } from 'zod';

const number = z.string().regex(/^[\w-]{43}$/);
const jwkSchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: number,
  y: number,
  d: number,
});

/** The two halves of a VAPID key, as push services and browsers take them: base64url of the raw numbers. */
export interface PushKey {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Makes a key for push, as the text of a private JWK. */
export function makePushKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify(privateKey.export({ format: 'jwk' }));
}

/** Reads a key for push from the text of its file. Returns undefined if it is none. */
export function readPushKey(text: string): PushKey | undefined {
  const jwk = jwkSchema.safeParse(parsed(text));
  if (!jwk.success) return undefined;
  const { x, y, d } = jwk.data;
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { publicKey: point.toString('base64url'), privateKey: d };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
