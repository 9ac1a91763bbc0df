import { z } from 'zod';
import { principalId } from '../../contracts/request';

const answerSchema = z.object({
  token: z.string().max(8_192),
  person: principalId,
  expires_at: z.iso.datetime(),
});

/** Reads what a gateway answers to the code. @throws ZodError if it is something else */
export function readAnswer(answer: unknown) {
  const { token, person, expires_at: until } = answerSchema.parse(answer);
  return { token, person, expiresAtMs: Date.parse(until) };
}
