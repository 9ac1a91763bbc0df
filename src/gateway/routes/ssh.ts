import { z } from '@hono/zod-openapi';
import { LIMITS } from '../../domain/limits';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { type Add, idOf, idParams } from './adder';

const nameParams = z.object({ name: z.string().max(LIMITS.identifierCharacters) });
const keyBody = z
  .object({ public_key: z.string().max(2_000).describe('one line, as in a .pub file of OpenSSH') })
  .openapi('SshKey');
const certificateAnswer = z
  .object({
    request: z.string(),
    certificate: z.string().describe('one line, for a file NAME-cert.pub beside the key'),
    principals: z.array(z.string()),
    valid_until: z.iso.datetime(),
  })
  .openapi('SshCertificate');
const file = z.string().openapi({ format: 'binary' });

/** Adds SSH certificates for holders, and what hosts need to know them: the authority's key and its revocation list. */
export function addSsh(add: Add, { ssh }: Gateway): void {
  add(
    'post',
    '/v1/requests/:id/ssh-certificate',
    {
      limit: 'submission',
      summary: 'A certificate for a key of the holder, until the end of the grant',
      params: idParams,
      body: keyBody,
      response: certificateAnswer,
    },
    async (c) => {
      const { public_key: publicKey } = await readBody(c, keyBody);
      return c.json(await ssh.sign(c.get('caller'), idOf(c), publicKey));
    },
  );
  add(
    'get',
    '/v1/ssh/:name/krl',
    {
      limit: 'open',
      summary: 'The key revocation list of a connector, for RevokedKeys of sshd',
      params: nameParams,
      response: file,
      produces: 'application/octet-stream',
    },
    async (c) =>
      c.body(new Uint8Array(await ssh.revocationList(c.req.param('name') ?? '')), 200, {
        'content-type': 'application/octet-stream',
        'cache-control': 'no-store',
      }),
  );
  add(
    'get',
    '/v1/ssh/:name/ca',
    {
      limit: 'open',
      summary: 'The public key of the authority of a connector, for TrustedUserCAKeys of sshd',
      params: nameParams,
      response: file,
      produces: 'text/plain',
    },
    async (c) => c.text(`${await ssh.publicKey(c.req.param('name') ?? '')}\n`),
  );
}
