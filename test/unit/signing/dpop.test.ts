import { randomUUID } from 'node:crypto';
import { HolderKey } from '../../../src/enforcement';
import { DpopVerifier } from '../../../src/signing/dpop';

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
    const verifier = new DpopVerifier(Date.now, { most: 4, mostOfOne: 2 });
    const shown = async (owner: string, by: HolderKey) =>
      (await verifier.verify(await proof(by), { ...EXPECTED, owner })) !== undefined;
    // Keys are made for nothing: what bounds a caller is who they are.
    const flood = [await shown('agent/x', key), await shown('agent/x', other)];
    expect([...flood, await shown('agent/x', await HolderKey.make())]).toEqual([true, true, false]);
    expect(await shown(`agent/${randomUUID()}`, key)).toBe(true);
  });
});
