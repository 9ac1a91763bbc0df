import { decodeJwt, decodeProtectedHeader } from 'jose';
import { GatewayKeys, type TokenType } from '../../../src/gateway/keys';
import { DenialBinding } from '../../../src/gateway/pdp/binding';
import { generateKey, importSigningKey } from '../../../src/signing/keys';

const URL_ = 'https://pdp.example';
const ENDPOINT = `${URL_}/access/v1/requests`;
const NOW = 1_700_000_000_000;
const TYPES: readonly TokenType[] = ['binding', 'approval', 'execution', 'metadata'];

async function keys(): Promise<GatewayKeys> {
  const own = await importSigningKey((await generateKey()).privateJwkText, 'own');
  if (!own.ok) throw new Error(own.message);
  return GatewayKeys.of(own.key, (await generateKey()).privateJwkText);
}
const claims = { iss: URL_, aud: URL_, iat: NOW / 1_000, exp: NOW / 1_000 + 60, jti: 'one' };
const expected = { issuer: URL_, audience: URL_, nowMs: NOW };

describe('what a gateway signs for itself', () => {
  it('is of one kind, one issuer, one audience and one key, and names that key', async () => {
    const ours = await keys();
    for (const type of TYPES) {
      const token = await ours.sign(type, claims);
      expect(decodeProtectedHeader(token).kid).toBe(ours.publicJwk.kid);
      for (const other of TYPES)
        expect(await ours.verify(other, token, expected)).toEqual(other === type ? claims : undefined);
      expect(
        await ours.verify(type, token, { ...expected, issuer: 'https://other.example' }),
      ).toBeUndefined();
      expect(await ours.verify(type, token, { ...expected, audience: ENDPOINT })).toBeUndefined();
      expect(await (await keys()).verify(type, token, expected)).toBeUndefined();
      expect(await ours.verify(type, token, { ...expected, nowMs: NOW + 60_000 })).toBe('expired');
    }
  });

  it('has an end, a beginning, an id and an audience, or it is nothing', async () => {
    const ours = await keys();
    for (const name of ['exp', 'iat', 'jti', 'aud']) {
      const token = await ours.sign('binding', { ...claims, [name]: undefined });
      expect(await ours.verify('binding', token, expected)).toBeUndefined();
    }
  });
});

describe('ARAP binding token', () => {
  const evaluation = {
    subject: { type: 'ci', id: 'payments' },
    action: { name: 'write' },
    resource: { type: 'warehouse', id: 'payments' },
  };

  it('has the claims that the profile asks for, and is for the service it names', async () => {
    const ours = await keys();
    const made = await new DenialBinding(ours, URL_, ENDPOINT, () => NOW).make(
      evaluation,
      'ci/payments',
      'eval_1',
    );
    expect(decodeJwt(made.bindingToken)).toMatchObject({
      ...{ iss: URL_, aud: ENDPOINT, iat: NOW / 1_000, exp: NOW / 1_000 + 600, jti: expect.any(String) },
      ...{ evaluation_id: 'eval_1', denial_expires_at: made.expiresAt, client: 'ci/payments' },
      ...{ binding_hash: expect.any(String), binding_context_members: [] },
    });
    const read = (endpoint: string, atMs: number) =>
      new DenialBinding(ours, URL_, endpoint, () => atMs).verify(made.bindingToken);
    expect(await read(ENDPOINT, NOW)).toMatchObject({ evaluation_id: 'eval_1' });
    expect(await read('https://other.example/access/v1/requests', NOW)).toBeUndefined();
    expect(await read(ENDPOINT, NOW + 629_000)).toMatchObject({ evaluation_id: 'eval_1' });
    expect(await read(ENDPOINT, NOW + 631_000)).toBe('expired');
  });
});
