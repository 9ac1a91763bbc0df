import { z } from '@hono/zod-openapi';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import { HttpProblem } from '../http/problem';
import type { Add } from './adder';

const loginBody = z.strictObject({
  code: z.string().max(8_192),
  verifier: z.string().regex(/^[\w-]{43,128}$/, 'is not a code verifier (RFC 7636)'),
});
const loginAnswer = z.object({ token: z.string(), person: z.string(), expires_at: z.string() });
const logoutBody = z.strictObject({ token: z.string().max(8_192) });
const logoutAnswer = z.object({ ended: z.literal(true) });

/** Adds what `countersign login` and `logout` call. The page `/login` gives the code. */
export function addLogin(add: Add, { readers }: Gateway): void {
  add(
    'post',
    '/v1/login',
    {
      limit: 'anyone',
      summary: 'Exchange a code for a token that reads',
      body: loginBody,
      response: loginAnswer,
    },
    async (c) => {
      const { code, verifier } = await readBody(c, loginBody);
      const reader = await readers.redeem(code, verifier);
      if (reader === undefined)
        throw new HttpProblem(422, 'this code is over, was used, or is for another program; log in again', {
          code: 'EXPIRED_STATEMENT',
        });
      const { token, person, expiresAtMs } = reader;
      return c.json({ token, person, expires_at: new Date(expiresAtMs).toISOString() });
    },
  );
  add(
    'post',
    '/v1/logout',
    { limit: 'anyone', summary: 'End a token that reads', body: logoutBody, response: logoutAnswer },
    async (c) => {
      await readers.end((await readBody(c, logoutBody)).token);
      return c.json({ ended: true });
    },
  );
}
