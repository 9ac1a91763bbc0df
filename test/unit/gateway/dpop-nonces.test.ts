import { DpopNonces } from '../../../src/gateway/auth/dpop-nonces';

describe('SHP-4 nonces of a replica', () => {
  let nowMs = 1_000_000;
  const nonces = new DpopNonces(() => nowMs);

  it('count there for five minutes, and nowhere else', () => {
    const nonce = nonces.make();
    expect(nonces.isOurs(nonce)).toBe(true);
    expect(new DpopNonces(() => nowMs).isOurs(nonce)).toBe(false);
    nowMs += 300_000;
    expect(nonces.isOurs(nonce)).toBe(true);
    nowMs += 1;
    expect(nonces.isOurs(nonce)).toBe(false);
  });

  it('cannot be made up, moved in time or padded', () => {
    const nonce = nonces.make();
    const [at = '', code = ''] = nonce.split('.');
    for (const bad of [
      '',
      at,
      `${Number(at) + 1}.${code}`,
      `0${nonce}`,
      `${nonce}.`,
      `${nonce}x`,
      `.${code}`,
      `${at}.${code.slice(0, -1)}`,
    ])
      expect(nonces.isOurs(bad)).toBe(false);
  });
});
