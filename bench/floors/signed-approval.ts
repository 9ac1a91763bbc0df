import { createPrivateKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { exampleKeyFile } from '../../src/stack/example-bundle';

/** A statement and its Ed25519 signature, by hand. */
export interface SignedApproval {
  readonly text: string;
  readonly signature: string;
}

const APPROVER = 'person/mira';

/** Reads the approver's key from the state folder. */
export const approverKey = (stateDir: string): KeyObject =>
  createPrivateKey({
    key: JSON.parse(readFileSync(exampleKeyFile(stateDir, APPROVER), 'utf8')),
    format: 'jwk',
  });

export function signApproval(request: string, key: KeyObject): SignedApproval {
  const text = JSON.stringify({ verb: 'approve', request, approver: APPROVER });
  return { text, signature: sign(null, Buffer.from(text), key).toString('base64url') };
}

/** Whether the approver signed this text, and it approves this request. */
export function approves({ text, signature }: SignedApproval, request: string, key: KeyObject): boolean {
  if (!verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))) return false;
  const claims: { verb?: unknown; request?: unknown } = JSON.parse(text);
  return claims.verb === 'approve' && claims.request === request;
}
