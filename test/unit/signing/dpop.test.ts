import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { HolderKey } from '../../../src/enforcement';
import { DpopVerifier, proofMemory } from '../../../src/signing/dpop';

const URL = 'https://countersign.example/v1/execution-tokens';
const EXPECTED = { method: 'POST', url: URL, token: 'a token' };

describe('AGE-2 proofs of possession', () => {
  let key: HolderKey;
  let other: HolderKey;
  beforeAll(async () => {
    key = await HolderKey.make();
    other = await HolderKey.make();
  });
  const proof = (by = key) => by.proof('POST', URL, 'a token');

  it('count once', async () => {
    const verifier = new DpopVerifier();
    const one = await proof();
    const thumbprint = await verifier.verify(one, EXPECTED);
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
    expect(await verifier.verify(one, EXPECTED)).toBeUndefined();
  });

  it('are not remembered where they are by another key, or their caller is turned away', async () => {
    const verifier = new DpopVerifier();
    const thumbprint = (await verifier.verify(await proof(), EXPECTED)) ?? '';
    const foreign = await proof(other);
    expect(await verifier.verify(foreign, { ...EXPECTED, key: thumbprint })).toBeUndefined();
    expect(await verifier.verify(foreign, EXPECTED)).toBeDefined();
    const mine = await proof();
    const admit = () => {
      throw new Error('too many calls');
    };
    await expect(verifier.verify(mine, { ...EXPECTED, admit })).rejects.toThrow('too many calls');
    expect(await verifier.verify(mine, EXPECTED)).toBe(thumbprint);
  });

  it('TTA-5 of one owner take no room of another', async () => {
    const verifier = new DpopVerifier(Date.now, proofMemory(Date.now, 4, 2));
    const shown = async (owner: string, by: HolderKey) =>
      (await verifier.verify(await proof(by), { ...EXPECTED, owner })) !== undefined;
    // Keys are made for nothing: what bounds a caller is who they are.
    const flood = [await shown('agent/x', key), await shown('agent/x', other)];
    expect([...flood, await shown('agent/x', await HolderKey.make())]).toEqual([true, true, false]);
    expect(await shown(`agent/${randomUUID()}`, key)).toBe(true);
  });

  it.each([
    ['HTTPS://Countersign.Example/v1/execution-tokens'],
    ['https://countersign.example:443/v1/execution-tokens'],
    ['https://countersign.example/v1/execution-tokens?x=1'],
    ['https://countersign.example/v1/execution-tokens#x'],
    ['https://countersign.example/v1/%65xecution-tokens'],
    ['https://countersign.example/v0/../v1/./execution-tokens'],
  ])('may write the address in any way that means the same (RFC 9449 section 4.3): %s', async (htu) => {
    const shown = await key.proof('POST', htu, 'a token');
    expect(await new DpopVerifier().verify(shown, EXPECTED)).toBe(key.thumbprint);
  });

  it.each([
    ['http://countersign.example/v1/execution-tokens'],
    ['https://countersign.example:8443/v1/execution-tokens'],
    ['https://countersign.example.evil.example/v1/execution-tokens'],
    ['https://countersign.example@evil.example/v1/execution-tokens'],
    ['https://user@countersign.example/v1/execution-tokens'],
    ['https://countersign.example/v1/Execution-tokens'],
    ['https://countersign.example/v1/execution-tokens/'],
    ['https://countersign.example/v1%2Fexecution-tokens'],
    ['https:\\\\countersign.example\\v1\\execution-tokens'],
    ['https://countersign.example/v1/execution-tokens\n'],
    ['//countersign.example/v1/execution-tokens'],
    ['/v1/execution-tokens'],
    [''],
  ])('of another address do not count: %j', async (htu) => {
    const shown = await key.proof('POST', htu, 'a token');
    expect(await new DpopVerifier().verify(shown, EXPECTED)).toBeUndefined();
  });

  it('of other equal addresses: an escape is the same in either case of its letters', async () => {
    const shown = await key.proof('POST', 'https://countersign.example/a%2fb', 'a token');
    const url = 'https://countersign.example/a%2Fb';
    expect(await new DpopVerifier().verify(shown, { ...EXPECTED, url })).toBe(key.thumbprint);
  });

  it.each(['ES256', 'EdDSA', 'Ed25519'])('by %s are taken', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    const claims = {
      jti: randomUUID(),
      htm: 'POST',
      htu: URL,
      ath: createHash('sha256').update('a token').digest('base64url'),
    };
    const shown = await new SignJWT(claims)
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .sign(privateKey);
    expect(await new DpopVerifier().verify(shown, EXPECTED)).toMatch(/^[\w-]{43}$/);
  });
});
