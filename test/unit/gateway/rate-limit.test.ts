import { networkOf, RateLimiter } from '../../../src/gateway/http/rate-limit';

const RATE = { perSecond: 1, burst: 2 };

describe('rate limits', () => {
  let nowMs: number;
  let limiter: RateLimiter;
  beforeEach(() => {
    nowMs = 0;
    limiter = new RateLimiter({ nowMs: () => nowMs, most: 10 });
  });
  const isLetThrough = (caller: string, kind = 'unauthenticated') => {
    try {
      limiter.take(caller, kind, RATE);
      return true;
    } catch {
      return false;
    }
  };
  const exhaust = (caller: string, kind?: string) => {
    while (isLetThrough(caller, kind));
  };

  it('TTA-5 are not shaken off by calling from many addresses, and strangers push out nobody who is known', () => {
    exhaust('203.0.113.1');
    exhaust('agent/atlas', 'reading');
    for (let index = 0; index < 200; index += 1) isLetThrough(`198.51.100.${index}`);
    expect(isLetThrough('203.0.113.1')).toBe(false);
    expect(isLetThrough('agent/atlas', 'reading')).toBe(false);
    nowMs += 2_000;
    expect(isLetThrough('203.0.113.1')).toBe(true);
  });

  it('TTA-5 of someone who is known are remembered however many strangers use theirs up', () => {
    expect(isLetThrough('agent/atlas', 'reading')).toBe(true);
    for (let index = 0; index < 200; index += 1) exhaust(`198.51.100.${index}`);
    expect(isLetThrough('agent/atlas', 'reading')).toBe(true);
    expect(isLetThrough('agent/atlas', 'reading')).toBe(false);
  });

  it('take a network of IPv6 for one caller, and an IPv4 address however it is written', () => {
    const same = ['2001:db8:1:2::1', '2001:0db8:1:2:ffff:ffff:ffff:fffe', '2001:db8:1:2:3:4:5.6.7.8'];
    expect(new Set(same.map(networkOf))).toEqual(new Set(['2001:db8:1:2::/64']));
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
    expect([networkOf('::1'), networkOf('fe80::1%eth0')]).toEqual(['0:0:0:0::/64', 'fe80:0:0:0::/64']);
    expect([networkOf('::ffff:192.0.2.7'), networkOf('192.0.2.7')]).toEqual(['192.0.2.7', '192.0.2.7']);
    expect(networkOf('unknown')).toBe('unknown');
  });
});
