import type { SignedEnvelope } from '../../../src/domain/request';

/** The compact JWS in an envelope; fails the test for any other format. */
export function jwsOf(envelope: SignedEnvelope): string {
  if (envelope.format !== 'jws') throw new Error(`a JWS was expected, not ${envelope.format}`);
  return envelope.jws;
}
