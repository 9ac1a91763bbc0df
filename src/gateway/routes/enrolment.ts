import { z } from '@hono/zod-openapi';
import { type RegisterRow, registerRowSchema } from '../../contracts/enrolment';
import { principalId, signedEnvelopeSchema } from '../../contracts/request';
import { TargetUnavailable } from '../../database/unavailable';
import type { Enrolment } from '../../directory/register/enrolment';
import { GOVERNANCE_ROLES, hasAnyRole } from '../../domain/principal';
import type { Refusal, Result } from '../../domain/refusal';
import type { Gateway } from '../gateway';
import { decode, readBody } from '../http/body';
import { HttpProblem } from '../http/problem';
import type { Add } from './adder';

const keySchema = z
  .object({
    keyId: z.string(),
    person: z.string(),
    state: z.enum(['counts', 'retired', 'awaits-endorsement', 'refused']),
    label: z.string().optional(),
    origin: z.string(),
    enrolledAt: z.string(),
    vouchedBy: z.array(z.string()),
    registration: z.string(),
    refusal: z.object({ code: z.string(), detail: z.string() }).optional(),
  })
  .openapi('EnrolledKey');
const invitationSchema = z
  .object({
    person: z.string(),
    invitedBy: z.string(),
    expiresAt: z.string(),
    needsEndorsement: z.boolean(),
    rpId: z.string(),
    origin: z.string(),
  })
  .openapi('Invitation');
/** `all` is for governors: everyone's keys. */
const listQuery = z.object({ person: principalId.optional(), all: z.literal('true').optional() });

/**
 * Adds the register of enrolled passkeys. What is posted is a row as `contracts/enrolment.ts` has it, and carries its authority in its
 * signatures, so posting needs no token; strangers are limited by their network.
 *
 * A page enrols somebody like this: the fragment of its address is base64url of `{"invitation": …, "key": JWK}` and must never be sent. It
 * posts `invitation` to `/v1/keys/invitation`, and shows the answer. It calls `navigator.credentials.create` with the answer's `rpId`,
 * user verification required, a discoverable credential, algorithms -7, -8, -257, and no attestation. It signs registration claims (a
 * compact JWS with `alg: ES256`, `typ: countersign-registration+jwt`, any `kid`) with `key` by WebCrypto and posts `{invitation, registration}`. For a
 * further key it has an enrolled passkey sign the same claims without `invitation`, canonical JSON with a member `typ`, exactly as a statement; likewise
 * for a retirement (`typ: countersign-retirement+jwt`), whose `keeps` are the keys that its owner recognises as their own.
 * Where an identity provider is configured, the person signs in there first, `seen` says as whom, and only the page takes the registration.
 */
export function addEnrolment(add: Add, { enrolment, bundles, config, nowMs }: Gateway): void {
  add(
    'post',
    '/v1/keys/invitation',
    {
      limit: 'anyone',
      summary: 'What an invitation is good for',
      body: z.object({ invitation: signedEnvelopeSchema }),
      response: invitationSchema,
    },
    async (c) => {
      const { invitation } = await readBody(c, z.strictObject({ invitation: signedEnvelopeSchema }));
      return c.json(await taken(() => of(enrolment).invitation(invitation)));
    },
  );
  add(
    'post',
    '/v1/keys',
    {
      limit: 'anyone',
      summary: 'Register a passkey by invitation, add a further one, endorse one, or retire one',
      body: registerRowSchema,
      response: keySchema,
      status: [201],
    },
    async (c) => {
      const row = await readBody(c, registerRowSchema);
      if (config.signIn !== undefined && 'invitation' in row)
        throw new HttpProblem(403, 'sign in at the identity provider first: open the link in a browser', {
          code: 'WEAK_ASSURANCE',
        });
      return c.json(await addRow(enrolment, row), 201);
    },
  );
  add(
    'get',
    '/v1/keys',
    {
      limit: 'reading',
      summary: 'The enrolled passkeys of the caller; of others for governors',
      query: listQuery,
      response: z.object({ keys: z.array(keySchema) }),
    },
    async (c) => {
      const { principal } = c.get('caller');
      const { person, all } = decode(c.req.query(), listQuery, 'query');
      const standing = (await bundles.current()).directory.standingOf(principal, nowMs());
      const governs = standing !== undefined && hasAnyRole(standing, GOVERNANCE_ROLES);
      if ((all !== undefined || (person !== undefined && person !== principal)) && !governs)
        throw new HttpProblem(403, 'only governors see the keys of others', { code: 'NOT_GOVERNANCE' });
      return c.json({ keys: await of(enrolment).keys(all ? undefined : (person ?? principal)) });
    },
  );
}

/** Writes a row into the register. @throws HttpProblem if it does not count, or there is no register */
export const addRow = (enrolment: Enrolment | undefined, row: RegisterRow) =>
  taken(() => of(enrolment).add(row));

function of(enrolment: Enrolment | undefined): Enrolment {
  if (enrolment === undefined) throw new HttpProblem(404, 'this gateway has no register of enrolled keys');
  return enrolment;
}

async function taken<T>(work: () => Promise<Result<T>>): Promise<T> {
  try {
    const result = await work();
    if (result.ok) return result.value;
    throw new HttpProblem(statusOf(result.refusal), result.refusal.detail, { code: result.refusal.code });
  } catch (error) {
    if (error instanceof TargetUnavailable)
      throw new HttpProblem(503, 'the register of enrolled keys cannot be reached; try again later');
    throw error;
  }
}

const statusOf = ({ code }: Refusal) => (code === 'REPLAYED' || code === 'NOT_NOW' ? 409 : 422);
